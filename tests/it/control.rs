//! A run that is told to change while it lasts, by whoever embeds the library.

use std::sync::Arc;

use saturing::run::{self, Control};

use crate::support::answers::{HELLO, always};
use crate::support::saturing::{engine, plan};
use crate::support::scripted::serve;

/// On the engine, orders are given one after the other, each when what the one before asked for is seen.
fn obeys(engine: &str) {
    let server = serve(always(HELLO));
    let line = format!("-d 600s -t 2 -c 8 --engine {engine} http://{}/", server.address);
    let control = Arc::new(Control::default());
    let mut awaited = [8, 3, 6, 0, 8].into_iter();
    let mut next = awaited.next();
    let result = run::run(&plan(&line), Vec::new(), &control, &mut |moment| {
        if next == Some(moment.open_connections) {
            next = awaited.next();
            match next {
                Some(connections) => control.set_connections(connections),
                None => control.stop(15),
            }
        }
    })
    .expect("a run");
    assert!(result.interrupted && result.ended_early.is_none(), "{engine}: {:?}", result.ended_early);
    assert_eq!((result.requests.failed, result.requests.discarded), (0, 0), "{engine}: {:?}", result.errors);
    // 3 opened again after 3, and all after none.
    assert_eq!(result.connections.reconnects, 3 + 8, "{engine}: {:?}", result.connections);
    let counts = server.counts();
    assert_eq!(counts.connections, 8 + 3 + 8, "{engine}");
    assert!(counts.answers >= result.requests.completed, "{engine}: {counts:?}");
}

#[test]
fn connections_become_fewer_and_more_on_every_engine() {
    match engine() {
        Some(one) => obeys(one),
        None => ["uring", "epoll", "tokio-uring"].into_iter().for_each(obeys),
    }
}
