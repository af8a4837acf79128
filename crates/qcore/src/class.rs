//! The macro [`class!`](crate::class!). In the order of imports it is above all folders, because
//! its expansion uses most of them.

/// Declares a class of your own, derived from [`QObject`](crate::QObject) or from any other class.
///
/// ```text
/// class! {
///     /// Documentation.
///     pub struct Name: BaseClass {
///         pub done: Signal<String>,            // a signal of the object
///         count: Cell<u32> = Cell::new(0),     // a field with its first value
///         id: u32,                             // a field whose value is an argument of derive()
///         child timer: QTimer = QTimer::new(), // a field that is also a child of the object
///     }
/// }
/// ```
///
/// The type is a handle, like every class of this library: a clone is the same object, and `==`
/// compares identity. It dereferences to its own fields and signals and to those of its base
/// classes. Slots get it as `&Name` and may clone it. It has a parent, children, `delete_later()`
/// and `destroyed`. [`find_child`](crate::QObject::find_child) finds it, and
/// [`cast`](crate::QObject::cast) converts to it. `From` converts it into a handle of any base
/// class.
///
/// Several handles share the fields, so a program cannot assign to a field. Use a `Cell` or a
/// `RefCell` for a field that changes.
///
/// # Making objects
///
/// The macro writes a private function. It takes an object of the base class and makes it an object
/// of this class:
///
/// ```text
/// fn derive(base: BaseClass, id: u32, ..) -> Name
/// ```
///
/// The arguments after the base object are the fields without a value, in the order of their
/// declaration. A field's value may use the fields above it. A constructor of your own calls
/// `derive`, connects the slots, and returns the object.
///
/// `derive` panics if `base` is already an object of a derived class.
///
/// # Children
///
/// The word `child` in front of a field's name makes the object in the field a child of the new
/// object: `child timer: QTimer = QTimer::new()` replaces PySide2's `self.timer = QTimer(self)`. A
/// child dies when the object dies. Without `child`, the field's object lives as long as any handle
/// to the object, even if `delete_later()` or a parent has destroyed the object. So a socket or a
/// timer in a field is usually a child. `derive` adds the children in the order of their
/// declaration, after it has installed the functions that the class [overrides](#overriding). Write
/// a visibility before the word: `pub child timer`.
///
/// The object itself gets its parent from [`with_parent`](crate::QObject::with_parent), which each
/// class has: `StopWatch::new(3).with_parent(&home)`.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
/// use qcore::{QObject, QTimer, Signal, class, wait_until};
///
/// class! {
///     /// Counts seconds.
///     pub struct StopWatch: QObject {
///         /// Emitted every second with the number of seconds.
///         pub ticked: Signal<u32>,
///         seconds: Cell<u32> = Cell::new(0),
///         child timer: QTimer = QTimer::with_interval(1000),
///         limit: u32,
///     }
/// }
///
/// impl StopWatch {
///     pub fn new(limit: u32) -> Self {
///         let this = Self::derive(QObject::new(), limit);
///         this.timer.timeout.connect_slot(&this, Self::on_timeout);
///         this
///     }
///
///     fn on_timeout(&self) {
///         self.seconds.set(self.seconds.get() + 1);
///         self.ticked.emit(self.seconds.get());
///         if self.seconds.get() == self.limit {
///             self.delete_later();
///         }
///     }
/// }
///
/// let home = QObject::new();
/// let watch = StopWatch::new(3).with_parent(&home);
/// watch.ticked.connect(|seconds| println!("{seconds} s"));
/// watch.timer.start_with_interval(1); // a short second, for the test
/// assert!(home.find_child::<StopWatch>(None) == Some(watch.clone()));
/// assert!(wait_until(5000, || watch.seconds.get() == 3));
/// ```
///
/// # Overriding
///
/// Qt's virtual functions are traits here. A class overrides the functions by implementing the
/// trait. You need not register anything.
///
/// | trait | base class | functions in Qt |
/// | --- | --- | --- |
/// | [`EventHandler`](crate::EventHandler) | any | `event`, `timerEvent`, `eventFilter`, .. |
/// | [`Destructor`](crate::Destructor) | any | the destructor |
/// | [`DeviceBackend`](crate::io_device::DeviceBackend) | `QIODevice` | `readData`, .. |
/// | `qnetwork::IncomingConnection` | `QTcpServer`, `QLocalServer` | `incomingConnection` |
///
/// If the base class is a class of your own, the derived class can override the same functions
/// again. It inherits the functions of `EventHandler` that it does not implement. It calls a
/// function of its base class by name: `Base::timer_event(self, event)`.
///
/// ```
/// use std::cell::Cell;
/// use qcore::{EventHandler, QObject, QTimerEvent, class, wait_until};
///
/// class! {
///     /// Counts the events of its timers.
///     pub struct Clock: QObject {
///         ticks: Cell<u32> = Cell::new(0),
///     }
/// }
///
/// impl EventHandler for Clock {
///     fn timer_event(&self, event: &QTimerEvent) {
///         self.ticks.set(self.ticks.get() + 1);
///         if self.ticks.get() == 3 {
///             self.kill_timer(event.timer_id());
///         }
///     }
/// }
///
/// class! {
///     /// Prints a line for each event.
///     pub struct LoudClock: Clock {}
/// }
///
/// impl EventHandler for LoudClock {
///     fn timer_event(&self, event: &QTimerEvent) {
///         println!("tick");
///         Clock::timer_event(self, event);
///     }
/// }
///
/// let clock = LoudClock::derive(Clock::derive(QObject::new()));
/// clock.start_timer(1);
/// assert!(wait_until(5000, || clock.ticks.get() == 3));
/// ```
///
/// # Devices
///
/// A class derived directly from [`QIODevice`](crate::QIODevice) passes
/// [`QIODevice::without_backend`](crate::QIODevice::without_backend) to `derive` and implements
/// [`DeviceBackend`](crate::io_device::DeviceBackend). Write the path of this trait instead of
/// importing it: some of its functions have the same names as functions of `QIODevice`, and with
/// the import `device.open(mode)` would call the trait's function.
///
/// A class derived from such a class does not inherit the functions of `DeviceBackend`. It
/// implements all those that differ from the trait's defaults, and may call those of its base
/// class. Sockets and buffers have their own device functions. A class derived from them that
/// implements `DeviceBackend` does not compile.
///
/// ```
/// use std::cell::Cell;
/// use qcore::{DeviceError, DeviceErrorKind, OpenMode, QIODevice, class, io_device};
///
/// class! {
///     /// A device that returns zeros and counts them.
///     pub struct Zeros: QIODevice {
///         count: Cell<usize> = Cell::new(0),
///     }
/// }
///
/// impl io_device::DeviceBackend for Zeros {
///     fn class_name(&self) -> &'static str {
///         "Zeros"
///     }
///
///     fn is_sequential(&self) -> bool {
///         true
///     }
///
///     fn read_data(&self, _: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
///         data.fill(0);
///         self.count.set(self.count.get() + data.len());
///         Ok(data.len())
///     }
///
///     fn write_data(&self, _: &QIODevice, _: &[u8]) -> Result<usize, DeviceError> {
///         Err(DeviceErrorKind::NotWritable.into())
///     }
/// }
///
/// let zeros = Zeros::derive(QIODevice::without_backend());
/// zeros.open(OpenMode::READ_ONLY | OpenMode::UNBUFFERED)?;
/// assert_eq!(zeros.read(5), [0; 5]);
/// assert_eq!(zeros.count.get(), 5);
/// # Ok::<(), DeviceError>(())
/// ```
///
/// # Who holds whom
///
/// An object lives while it has a handle or a parent. If a field holds a handle of the object's
/// parent, or of another object that holds this one, the two objects live for ever. Use a
/// [`QPointer`](crate::QPointer) for such a field, or call [`parent()`](crate::QObject::parent). A
/// slot needs no such field: it gets its receiver, or [two receivers](crate::IntoReceiver), as an
/// argument.
#[macro_export]
macro_rules! class {
    ($(#[$meta:meta])* $vis:vis struct $class:ident : $base:ty { $($fields:tt)* }) => {
        $crate::class! {
            @field [$(#[$meta])* $vis struct $class: $base] life [] [] [] [] $($fields)*
        }
    };
    (
        $(#[$meta:meta])* $vis:vis struct $class:ident : $base:ty { $($fields:tt)* }
        $($rest:tt)+
    ) => {
        ::std::compile_error!(::std::concat!(
            "`class!` declares one class: nothing may follow `struct ",
            ::std::stringify!($class), ": .. { .. }`; write a `class!` of its own for each class"
        ));
    };
    ($(#[$meta:meta])* $vis:vis struct $class:ident { $($fields:tt)* }) => {
        ::std::compile_error!(::std::concat!(
            "name the base class: `struct ", ::std::stringify!($class), ": QObject { .. }`"
        ));
    };
    ($(#[$meta:meta])* $vis:vis struct $class:ident < $($rest:tt)*) => {
        ::std::compile_error!("a class cannot have type parameters");
    };
    // A child: from here on a field like any other, and remembered.
    (
        @field $head:tt $life:ident $struct:tt $value:tt $given:tt [$($children:ident)*]
        $(#[$meta:meta])* $vis:vis child $name:ident : $($rest:tt)*
    ) => {
        $crate::class! {
            @field $head $life $struct $value $given [$($children)* $name]
            $(#[$meta])* $vis $name : $($rest)*
        }
    };
    // A signal.
    (
        @field $head:tt $life:ident [$($struct:tt)*] [$($value:tt)*] $given:tt $children:tt
        $(#[$meta:meta])* $vis:vis $name:ident : Signal<$arguments:ty> $(, $($rest:tt)*)?
    ) => {
        $crate::class! {
            @field $head $life
            [$($struct)* $(#[$meta])* $vis $name: Signal<$arguments>,]
            [$($value)* ($name: Signal<$arguments>: $crate::signal::Signal::in_life(&$life))]
            $given $children
            $($($rest)*)?
        }
    };
    // A field with a value.
    (
        @field $head:tt $life:ident [$($struct:tt)*] [$($value:tt)*] $given:tt $children:tt
        $(#[$meta:meta])* $vis:vis $name:ident : $type:ty = $init:expr $(, $($rest:tt)*)?
    ) => {
        $crate::class! {
            @field $head $life
            [$($struct)* $(#[$meta])* $vis $name: $type,]
            [$($value)* ($name: $type: $init)]
            $given $children
            $($($rest)*)?
        }
    };
    // A field whose value is given to derive().
    (
        @field $head:tt $life:ident [$($struct:tt)*] [$($value:tt)*] [$($given:tt)*] $children:tt
        $(#[$meta:meta])* $vis:vis $name:ident : $type:ty $(, $($rest:tt)*)?
    ) => {
        $crate::class! {
            @field $head $life
            [$($struct)* $(#[$meta])* $vis $name: $type,]
            [$($value)* ($name: $type: $name)]
            [$($given)* $name: $type,] $children
            $($($rest)*)?
        }
    };
    // All fields are known.
    (
        @field [$(#[$meta:meta])* $vis:vis struct $class:ident : $base:ty] $life:ident
        [$($struct:tt)*] [$(($name:ident : $type:ty : $value:expr))*] [$($given:tt)*]
        [$($child:ident)*]
    ) => {
        $crate::library_class! {
            @handle $(#[$meta])*
            $vis struct $class(
                $crate::classes::Handle<<$class as $crate::classes::OwnClass>::Node>
            ): $base = <$base as $crate::classes::Class>::Virtual
        }

        const _: () = {
            #[allow(unnameable_types)]
            $vis struct __Fields {
                $($struct)*
                #[doc(hidden)]
                __base: $base,
            }

            impl $crate::classes::OwnClass for $class {
                type Node = __Fields;
            }

            $crate::library_class! { @node $class(__Fields): $base = __base }

            impl $crate::classes::Node for __Fields {
                fn life(&self) -> &::std::rc::Rc<$crate::classes::Life> {
                    $crate::classes::Object::life(&self.__base)
                }

                fn event(&self, event: &$crate::event::QEvent) -> bool {
                    $crate::classes::Object::as_node(&self.__base).event(event)
                }

                fn destructor(&self) {
                    #[allow(unused_imports)]
                    use $crate::classes::NoDestructor as _;
                    $crate::classes::Probe::<'_, $crate::classes::NoClass, $class>::destroy(
                        $crate::classes::Object::life(&self.__base),
                        $crate::classes::Object::as_node(&self.__base),
                    );
                }
            }

            impl $class {
                /// Makes an object of the base class an object of this class.
                ///
                /// The other arguments are the fields without values, in the order of their
                /// declaration.
                #[allow(clippy::too_many_arguments, dead_code, unused_variables)]
                #[track_caller]
                fn derive(base: $base, $($given)*) -> Self {
                    let $life = ::std::clone::Clone::clone($crate::classes::Object::life(&base));
                    $(let $name: $type = $value;)*
                    let object = $class($crate::classes::Handle::extend(base, |base| __Fields {
                        $($name,)*
                        __base: base,
                    }));
                    $crate::class! { @override $class object [
                        <$base as $crate::classes::Class>::Virtual
                    ] }
                    $($crate::classes::adopt(&object.$child, &object);)*
                    object
                }
            }
        };
    };
    (
        @field $head:tt $life:ident $struct:tt $value:tt $given:tt $children:tt $($rest:tt)+
    ) => {
        ::std::compile_error!(::std::concat!(
            "a field is written `name: Type` or `name: Type = value`, with a comma behind it; ",
            "this is not: `", ::std::stringify!($($rest)+), "`"
        ));
    };
    // Installs what the class overrides, base classes first.
    (@override $class:ident $object:ident [$virtual:ty]) => {
        #[allow(unused_imports)]
        use $crate::classes::{NotOverridden as _, Overrides as _};
        const { assert!(<$virtual as $crate::classes::Virtual>::LENGTH <= 3) }
        $crate::class! { @probe $class $object [
            <<$virtual as $crate::classes::Virtual>::Rest as $crate::classes::Virtual>::Rest
        ] }
        $crate::class! { @probe $class $object [<$virtual as $crate::classes::Virtual>::Rest] }
        $crate::class! { @probe $class $object [$virtual] }
    };
    (@probe $class:ident $object:ident [$virtual:ty]) => {
        let probe = $crate::classes::Probe::<
            '_,
            <$virtual as $crate::classes::Virtual>::Class,
            $class,
        >::new(&$object);
        $crate::classes::installed((&probe).install());
    };
}
