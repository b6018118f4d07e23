//! How requests and answers stand on a connection: bytes in, events and bytes out. Nothing here knows of sockets, clocks,
//! schedules or statistics.

pub mod h1;
