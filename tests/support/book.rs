//! Compiles the code blocks of the documents and runs them as doc tests.

macro_rules! documents {
    ($($name:ident $path:literal)*) => {
        $(
            #[doc = include_str!($path)]
            mod $name {}
        )*
    };
}

documents! {
    readme "../../README.md"
    readme_of_qcore "../../crates/qcore/README.md"
    readme_of_qnetwork "../../crates/qnetwork/README.md"
    contributing "../../CONTRIBUTING.md"
    connections "../../docs/connections.md"
    reconnecting "../../docs/reconnecting.md"
    closing "../../docs/closing.md"
    architecture "../../docs/architecture.md"
    certificates "../../docs/certificates.md"
    framing "../../docs/framing.md"
    flow "../../docs/flow.md"
    tasks "../../docs/tasks.md"
    proxies "../../docs/proxies.md"
    threads "../../docs/threads.md"
    workers "../../docs/workers.md"
    simulation "../../docs/simulation.md"
    limits "../../docs/limits.md"
    decisions "../../docs/decisions.md"
    decisions_sockets "../../docs/decisions-sockets.md"
}
