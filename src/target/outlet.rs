//! Files that are written, pipes among them: to open one waits for nobody.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

/// How often, and how far apart, a reader is looked for that a script started just before.
const LOOKS: u32 = 20;
const APART: Duration = Duration::from_millis(5);

/// Opens `path` as `options` say. A named pipe needs a reader already.
///
/// # Errors
/// It cannot be opened, or nobody reads it.
pub fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.custom_flags(OFlag::O_NONBLOCK.bits());
    let mut looks = 0;
    let file = loop {
        match options.open(path) {
            Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) && is_pipe(path) => {
                looks += 1;
                if looks == LOOKS {
                    let why = "nobody reads this pipe; start its reader first, or name a file";
                    return Err(io::Error::new(error.kind(), why));
                }
                thread::sleep(APART);
            }
            opened => break opened?,
        }
    };
    // Writing waits for a slow reader.
    let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
    fcntl(&file, FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK))?;
    Ok(file)
}

fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.file_type().is_fifo())
}
