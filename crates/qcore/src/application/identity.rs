//! What an application is called.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process as system,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{CoreApplicationNode, QCoreApplication, process::tell};
use crate::signal::Signal;

/// The process has one set of names, whichever thread's application is asked.
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
    // Nothing panics while it is locked.
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets a name; whether it is another than before.
fn set(name: fn(&mut Names) -> &mut String, to: String) -> bool {
    let mut names = names();
    let name = name(&mut names);
    let changed = *name != to;
    *name = to;
    changed
}

impl QCoreApplication {
    /// Emits a signal of the application, in its own thread.
    fn announce(&self, signal: fn(&CoreApplicationNode) -> &Signal<()>) {
        match self.remote() {
            Some(_) => tell(move |app| signal(app).emit(())),
            None => signal(self).emit(()),
        }
    }

    /// The name of the application; if none was set, that of the program's file.
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

    /// Sets the name of the application, for the whole process.
    #[doc(alias = "setApplicationName")]
    pub fn set_application_name(&self, name: impl Into<String>) {
        if set(|names| &mut names.application, name.into()) {
            self.announce(|app| &app.application_name_changed);
        }
    }

    /// The version of the application, empty if none was set.
    #[doc(alias = "applicationVersion")]
    #[must_use]
    pub fn application_version(&self) -> String {
        names().version.clone()
    }

    /// Sets the version of the application, for the whole process.
    #[doc(alias = "setApplicationVersion")]
    pub fn set_application_version(&self, version: impl Into<String>) {
        if set(|names| &mut names.version, version.into()) {
            self.announce(|app| &app.application_version_changed);
        }
    }

    /// The name of the organization behind the application, empty if none was set.
    #[doc(alias = "organizationName")]
    #[must_use]
    pub fn organization_name(&self) -> String {
        names().organization.clone()
    }

    /// Sets the name of the organization, for the whole process.
    #[doc(alias = "setOrganizationName")]
    pub fn set_organization_name(&self, name: impl Into<String>) {
        if set(|names| &mut names.organization, name.into()) {
            self.announce(|app| &app.organization_name_changed);
        }
    }

    /// The internet domain of the organization, empty if none was set.
    #[doc(alias = "organizationDomain")]
    #[must_use]
    pub fn organization_domain(&self) -> String {
        names().domain.clone()
    }

    /// Sets the internet domain of the organization, for the whole process.
    #[doc(alias = "setOrganizationDomain")]
    pub fn set_organization_domain(&self, domain: impl Into<String>) {
        if set(|names| &mut names.domain, domain.into()) {
            self.announce(|app| &app.organization_domain_changed);
        }
    }

    /// The number of the process.
    #[doc(alias = "applicationPid")]
    #[must_use]
    pub fn application_pid() -> u32 {
        system::id()
    }

    /// The command line, the program first. What is not Unicode in it is replaced.
    #[must_use]
    pub fn arguments() -> Vec<String> {
        let text = |argument: OsString| argument.to_string_lossy().into_owned();
        env::args_os().map(text).collect()
    }

    /// The file of the program, if the system tells.
    #[doc(alias = "applicationFilePath")]
    #[must_use]
    pub fn application_file_path() -> Option<PathBuf> {
        env::current_exe().ok()
    }

    /// The folder of the program's file, if the system tells.
    #[doc(alias = "applicationDirPath")]
    #[must_use]
    pub fn application_dir_path() -> Option<PathBuf> {
        Some(Self::application_file_path()?.parent()?.to_owned())
    }
}
