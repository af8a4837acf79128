//! Look-ups in tasks.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

use super::QHostInfo;

impl QHostInfo {
    /// Looks up a name or an address, as [`lookup_host`](QHostInfo::lookup_host) does, and returns
    /// the answer. Nothing happens before the future is polled.
    ///
    /// Dropping the future gives the look-up up.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::block_on;
    /// use qnetwork::{QHostAddress, QHostInfo};
    ///
    /// let info = block_on(QHostInfo::lookup("127.0.0.1")).unwrap();
    /// assert_eq!(info.result()?, [QHostAddress::LocalHost]);
    /// # Ok::<(), qnetwork::HostInfoError>(())
    /// ```
    pub async fn lookup(name: &str) -> QHostInfo {
        #[derive(Default)]
        struct Answer {
            info: RefCell<Option<QHostInfo>>,
            waker: Cell<Option<Waker>>,
        }
        // The look-up holds this weakly: without it, it does not call back.
        let answer = Rc::new(Answer::default());
        let id = QHostInfo::lookup_host(name, &answer, |answer, info| {
            answer.info.replace(Some(info));
            if let Some(waker) = answer.waker.take() {
                waker.wake();
            }
        });
        struct Aborts(Option<super::LookupId>);
        impl Drop for Aborts {
            fn drop(&mut self) {
                if let Some(id) = self.0.take() {
                    QHostInfo::abort_host_lookup(id);
                }
            }
        }
        let mut asked = Aborts(Some(id));
        let info = poll_fn(|context| match answer.info.take() {
            Some(info) => Poll::Ready(info),
            None => {
                let before = answer.waker.replace(Some(context.waker().clone()));
                drop(before);
                Poll::Pending
            }
        })
        .await;
        asked.0 = None;
        info
    }
}
