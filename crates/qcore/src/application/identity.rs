//! The names of the application, its arguments and its files.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process as system,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{CoreApplicationNode, QCoreApplication, process::tell};
use crate::signal::Signal;

/// The names. All threads' applications share one set of names.
struct Names {
    application: String,
    version: String,
    organization: String,
    domain: String,
}

fn names() -> MutexGuard<'static, Names> {
    static NAMES: Mutex<Names> = Mutex::new(Names {
        application: String::new(),
        version: String::new(),
        organization: String::new(),
        domain: String::new(),
    });
    // No code panics while it holds this lock.
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets a name. Returns whether it has changed.
fn set(name: fn(&mut Names) -> &mut String, to: String) -> bool {
    let mut names = names();
    let name = name(&mut names);
    let changed = *name != to;
    *name = to;
    changed
}

impl QCoreApplication {
    /// Emits a signal of the application in the application's thread.
    fn announce(&self, signal: fn(&CoreApplicationNode) -> &Signal<()>) {
        match self.remote() {
            Some(_) => tell(move |app| signal(app).emit(())),
            None => signal(self).emit(()),
        }
    }

    /// Returns the name of the application. The default is the file name of the program.
    ///
    /// ```standalone_crate
    /// use qcore::QCoreApplication;
    ///
    /// let app = QCoreApplication::new();
    /// assert!(!app.application_name().is_empty());
    /// app.set_application_name("thermometer");
    /// assert_eq!(app.application_name(), "thermometer");
    /// ```
    #[doc(alias = "applicationName")]
    #[must_use]
    pub fn application_name(&self) -> String {
        let name = names().application.clone();
        if !name.is_empty() {
            return name;
        }
        let program = env::args_os().next().unwrap_or_default();
        let file = Path::new(&program).file_name().unwrap_or_default();
        file.to_string_lossy().into_owned()
    }

    /// Sets the name of the application for the whole process. If it has changed, emits
    /// [`application_name_changed`](CoreApplicationNode::application_name_changed) before it
    /// returns, if the application belongs to this thread.
    #[doc(alias = "setApplicationName")]
    pub fn set_application_name(&self, name: impl Into<String>) {
        if set(|names| &mut names.application, name.into()) {
            self.announce(|app| &app.application_name_changed);
        }
    }

    /// Returns the version of the application, empty by default.
    #[doc(alias = "applicationVersion")]
    #[must_use]
    pub fn application_version(&self) -> String {
        names().version.clone()
    }

    /// Sets the version of the application for the whole process. If it has changed, emits
    /// [`application_version_changed`](CoreApplicationNode::application_version_changed) before it
    /// returns, if the application belongs to this thread.
    #[doc(alias = "setApplicationVersion")]
    pub fn set_application_version(&self, version: impl Into<String>) {
        if set(|names| &mut names.version, version.into()) {
            self.announce(|app| &app.application_version_changed);
        }
    }

    /// Returns the name of the organization that makes the application, empty by default.
    #[doc(alias = "organizationName")]
    #[must_use]
    pub fn organization_name(&self) -> String {
        names().organization.clone()
    }

    /// Sets the name of the organization for the whole process. If it has changed, emits
    /// [`organization_name_changed`](CoreApplicationNode::organization_name_changed) before it
    /// returns, if the application belongs to this thread.
    #[doc(alias = "setOrganizationName")]
    pub fn set_organization_name(&self, name: impl Into<String>) {
        if set(|names| &mut names.organization, name.into()) {
            self.announce(|app| &app.organization_name_changed);
        }
    }

    /// Returns the internet domain of the organization, empty by default.
    #[doc(alias = "organizationDomain")]
    #[must_use]
    pub fn organization_domain(&self) -> String {
        names().domain.clone()
    }

    /// Sets the internet domain of the organization for the whole process. If it has changed, emits
    /// [`organization_domain_changed`](CoreApplicationNode::organization_domain_changed) before it
    /// returns, if the application belongs to this thread.
    #[doc(alias = "setOrganizationDomain")]
    pub fn set_organization_domain(&self, domain: impl Into<String>) {
        if set(|names| &mut names.domain, domain.into()) {
            self.announce(|app| &app.organization_domain_changed);
        }
    }

    /// Returns the process id.
    #[doc(alias = "applicationPid")]
    #[must_use]
    pub fn application_pid() -> u32 {
        system::id()
    }

    /// Returns the command line, starting with the program. Bytes that are not valid Unicode are
    /// replaced with U+FFFD.
    #[must_use]
    pub fn arguments() -> Vec<String> {
        let text = |argument: OsString| argument.to_string_lossy().into_owned();
        env::args_os().map(text).collect()
    }

    /// Returns the path of the program's file, or `None` if the system cannot tell it.
    #[doc(alias = "applicationFilePath")]
    #[must_use]
    pub fn application_file_path() -> Option<PathBuf> {
        env::current_exe().ok()
    }

    /// Returns the path of the folder with the program's file, or `None` if the system cannot tell
    /// it.
    #[doc(alias = "applicationDirPath")]
    #[must_use]
    pub fn application_dir_path() -> Option<PathBuf> {
        Some(Self::application_file_path()?.parent()?.to_owned())
    }
}
