//! Nothing is allocated for a request: runs of N and of ten times N requests allocate the same.
#![allow(unsafe_code)] // An allocator cannot be written otherwise; this one only counts and passes on.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use saturing::ring::{Level, level_here};
use saturing::run;
use support::answers::HELLO;
use support::process::Folder;
use support::saturing::{Serve, plan};
use support::scripted::serve;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Set on threads that are not part of the run.
    static EXEMPT: Cell<bool> = const { Cell::new(false) };
}

fn count() {
    if !EXEMPT.get() {
        ALLOCATIONS.fetch_add(1, Relaxed);
    }
}

// SAFETY: every call is passed on as it came to the system's allocator, which keeps the contract; counting allocates nothing,
// as the thread-local is constant at first and has no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: passed on to the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: passed on to the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: passed on to the caller.
        unsafe { System.realloc(start, layout, size) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: passed on to the caller.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The allocations of a whole run in this process, all its threads together.
fn allocations(target: &str, requests: u64, options: &str) -> u64 {
    let before = ALLOCATIONS.load(Relaxed);
    // One interval, as their number grows with the time that a busy machine takes.
    let line = format!("-n {requests} -T 50s --interval 1h {options} {target}");
    let result = run::run(&plan(&line), Vec::new(), &Arc::default(), &mut |_| ()).expect("a run");
    assert_eq!((result.requests.completed, result.requests.failed), (requests, 0), "{:?}", result.notes);
    ALLOCATIONS.load(Relaxed) - before
}

/// How much more ten times the requests take. A first run makes what is made once in a process. Each run also looks for the
/// target's process among all of this machine, whose number changes: the least of several tries counts, until one is good.
fn more_for_tenfold(address: SocketAddr, requests: u64, options: &str) -> i64 {
    more_at(&format!("http://{address}/"), requests, options)
}

fn more_at(target: &str, requests: u64, options: &str) -> i64 {
    allocations(target, requests, options);
    let attempt = || {
        let few = allocations(target, requests, options);
        assert!(few > 20, "the allocator counts");
        allocations(target, 10 * requests, options).cast_signed() - few.cast_signed()
    };
    let mut least = i64::MAX;
    for _ in 0..8 {
        least = least.min(attempt());
        if least < ENCODING {
            break;
        }
    }
    least
}

/// The allocations of the workers alone in a run of so many intervals of 100 ms.
fn by_workers(address: SocketAddr, intervals: u64, options: &str) -> i64 {
    EXEMPT.set(true);
    let before = ALLOCATIONS.load(Relaxed);
    let line = format!("-d {}ms -T 50s --interval 100ms {options} http://{address}/", intervals * 100);
    let result = run::run(&plan(&line), Vec::new(), &Arc::default(), &mut |_| ()).expect("a run");
    assert!(result.requests.completed > 0, "{:?}", result.requests);
    assert_eq!(result.intervals.iter().map(|one| one.completed).sum::<u64>(), result.requests.completed);
    let allocated = ALLOCATIONS.load(Relaxed) - before;
    assert!(allocated > 20, "the allocator counts");
    EXEMPT.set(false);
    allocated.cast_signed()
}

/// What the encoding of the result at the end may differ by, as it grows with the spread of the latencies, on a busy machine
/// more than on an idle one, and not with their number.
const ENCODING: i64 = 200;

/// One test, so that nothing else runs in this process.
#[test]
fn no_request_allocates() {
    let server = Serve::start(&[]);
    let open = "-c 8 -R 20k --arrivals poisson";
    let below = Level::ALL.into_iter().filter(|level| *level > level_here().expect("io_uring"));
    let at =
        |level: Level| ["-c 8", "-c 8 --no-keepalive"].map(|what| format!("{what} --uring-level {}", level.as_str()));
    let others = [&*format!("{open} --engine epoll"), "-c 8 --sqpoll", "-c 8 --napi 20"].map(str::to_owned);
    let others: Vec<String> = below.flat_map(at).chain(others).collect();
    let epoll = ["-c 8 --engine epoll", "-c 8 -p 16 --engine epoll", "-c 8 --no-keepalive --engine epoll"];
    let best = ["-c 8", "-c 8 -p 16", "-c 8 -m HEAD", "-c 8 --no-keepalive", open];
    // Lists that are always the same, in one range and in blocks, and one that changes from request to request.
    let folder = Folder::new();
    let (fixed, changing) =
        ("GET /a\n\nHEAD /b\n\nPOST /c\n  body\n", "GET /a?{RAND:1:99}\n\nPOST /c\n  {SEQ:000001}\n");
    let [fixed, changing] = [("fixed", fixed), ("changing", changing)].map(|(name, text)| folder.write(name, text));
    let list = |list: &std::path::Path, what: &str| format!("-c 8 {what} -i {}", list.display());
    let lists = ["", "-p 16", "-p 16 --order random", "--no-keepalive", "--expect-status 200", "-R 20k"]
        .map(|what| list(&fixed, what));
    let lists = lists.into_iter().chain(["", "-p 16"].map(|what| list(&changing, what)));
    let others: Vec<String> = others.into_iter().chain(lists).collect();
    for options in best.into_iter().chain(epoll).chain(others.iter().map(String::as_str)) {
        let more = more_for_tenfold(server.address, 2_000, options);
        assert!(more < ENCODING, "{options}: {more} allocations more for 18,000 requests more");
    }
    // Neither does an interval of the time series, unless the watcher is late: then there is memory for a few more.
    for options in ["-c 8", "-c 8 -R 1k"] {
        let mut more = (0..8).map(|_| by_workers(server.address, 10, options) - by_workers(server.address, 2, options));
        assert!(more.any(|more| more <= 0), "{options}: more allocations for 8 intervals more, in each of 8 tries");
    }
    drop(server);

    // Behind its handshakes TLS allocates nothing either: the same number of connections, ten times the requests.
    let server = Serve::start(&["--tls"]);
    let url = format!("https://{}/", server.address);
    for options in ["", "-p 16", "--tls-max 1.2", "--engine epoll", &format!("-i {}", changing.display())] {
        let more = more_at(&url, 2_000, &format!("-k -c 8 {options}"));
        assert!(more < ENCODING, "https {options}: {more} allocations more for 18,000 requests more");
    }
    drop(server);

    // Heads that cross reads and bodies in chunks, and a different head each time, so that none is recognised.
    let pieces = serve(|peer| {
        EXEMPT.set(true);
        while peer.request()? {
            let number = peer.requests_so_far();
            peer.write(format!("HTTP/1.1 200 OK\r\nX: {number}\r\nTransfer-").as_bytes())?;
            thread::sleep(Duration::from_micros(100));
            peer.answer(b"Encoding: chunked\r\n\r\n5;x=y\r\nHello\r\n0\r\nX: y\r\n\r\n")?;
        }
        Ok(())
    });
    let more = more_for_tenfold(pieces.address, 200, "-c 8 -p 4");
    assert!(more < ENCODING, "in pieces: {more} allocations more for 1,800 requests more");
    drop(pieces);

    let plain = serve(|peer| {
        EXEMPT.set(true);
        while peer.request()? {
            peer.answer(HELLO)?;
        }
        Ok(())
    });
    let more = more_for_tenfold(plain.address, 1_000, "-c 8");
    assert!(more < ENCODING, "plain: {more}");
}
