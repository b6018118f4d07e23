//! What is sent, as typed: one request, several URLs, or files of requests.

use std::fs::File;
use std::io::{self, Read};

use super::super::args::LoadArgs;
use super::super::outputs::Input;
use super::body;
use super::load::number;
use crate::plan::{Error, RequestsSpec, Source, Url, expected_body, expected_status};
use crate::workload::{Expect, Order, list};

/// What random values are drawn from unless told otherwise.
const SEED: u64 = 1;

/// Bytes of a file of requests, at most, and lines of one of bodies.
const MAX_FILE: u64 = 1 << 30;

/// Reads the requests, and files last of all; `stdin` for whatever is `-`.
pub(super) fn requests(
    args: &LoadArgs,
    headers: Vec<(String, String)>,
    stdin: &mut dyn Read,
) -> Result<RequestsSpec, Error> {
    let file = file_option(args)?;
    let parse = if args.placeholders { Url::parse_with_placeholders } else { Url::parse };
    args.url.iter().try_for_each(|url| parse(url).map(drop))?;
    if let Some(digits) = args.method.as_deref().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(Error::argument("--method", "must be the name of a method, as in GET or POST", digits));
    }
    let has_list = file.is_some() || args.url.len() > 1;
    let order = match args.order.as_deref() {
        Some(given) if !has_list => {
            let rule = "needs a list of requests: several URLs, --input, --raw or --body-lines";
            return Err(Error::argument("--order", rule, given));
        }
        None | Some("turn") => Order::Turn,
        Some("random") => Order::Random,
        Some(other) => return Err(Error::argument("--order", "must be turn or random", other)),
    };
    if args.by_path && file != Some("--input") {
        let has_rows = args.url.len() > 1 || file == Some("--raw");
        let why = if has_rows { "these requests have a row each anyway" } else { "there is no such list" };
        return Err(Error::argument("--by-path", "is for the lines of a list, --input", why));
    }
    let expect = Expect {
        status: match args.expect_status.as_deref() {
            Some(text) => expected_status("--expect-status", text)?,
            None => Vec::new(),
        },
        body: args.expect_body.as_deref().map(|text| expected_body("--expect-body", text)).transpose()?,
    };
    let fills = args.placeholders || matches!(file, Some("--input" | "--raw"));
    if let Some(given) =
        args.seed.as_deref().filter(|_| !fills && order == Order::Turn && args.rate.is_none() && args.stages.is_none())
    {
        let rule = "needs what is drawn from it: --rate or --stages, --order random or placeholders";
        return Err(Error::argument("--seed", rule, given));
    }
    let seq_skip = number("--seq-skip", &args.seq_skip)?.unwrap_or(0);
    if let Some(given) = args.seq_skip.as_deref().filter(|_| !fills) {
        return Err(Error::argument("--seq-skip", "needs placeholders: --placeholders, --input or --raw", given));
    }
    let has_body = args.body.is_some() || args.body_lines.is_some();
    Ok(RequestsSpec {
        method: args.method.clone().unwrap_or_else(|| if has_body { "POST" } else { "GET" }.into()),
        headers,
        placeholders: args.placeholders,
        by_path: args.by_path,
        order,
        seed: number("--seed", &args.seed)?.unwrap_or(SEED),
        seq_skip,
        expect,
        // Last, so that nobody types a body for a line that is refused.
        source: source(args, stdin)?,
    })
}

/// The option that names files of requests, if there is one; held against what it stands beside.
fn file_option(args: &LoadArgs) -> Result<Option<&'static str>, Error> {
    let given = [
        ("--input", args.input.is_some()),
        ("--raw", !args.raw.is_empty()),
        ("--body-lines", args.body_lines.is_some()),
    ];
    let mut files = given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name);
    let Some(name) = files.next() else { return Ok(None) };
    if let Some(second) = files.next() {
        return Err(Error::argument(
            second,
            format!("cannot be used with {name}: requests come from one of them"),
            "both",
        ));
    }
    if let [_, second, ..] = args.url.as_slice() {
        let rule = format!("must be one with {name}, which says what is asked for");
        return Err(Error::argument("URL", rule, second));
    }
    let raw = name == "--raw";
    let own = [
        ("--body", args.body.as_deref()),
        ("--method", args.method.as_deref().filter(|_| raw)),
        ("--header", args.header.first().map(String::as_str).filter(|_| raw)),
        ("--placeholders", args.placeholders.then_some("it").filter(|_| raw || name == "--input")),
    ];
    if let Some((option, given)) = own.into_iter().find_map(|(option, given)| Some((option, given?))) {
        let why = match (option, name) {
            ("--placeholders", _) => "its files have placeholders always",
            (_, "--raw") => "its files are sent as they are",
            ("--body", "--body-lines") => "each of its lines is a body",
            _ => "its requests have bodies of their own",
        };
        return Err(Error::argument(option, format!("cannot be used with {name}: {why}"), given));
    }
    Ok(Some(name))
}

fn source(args: &LoadArgs, stdin: &mut dyn Read) -> Result<Source, Error> {
    if let Some(name) = &args.input {
        let text = text("--input", name, stdin)?;
        let shown = if name == "-" { "standard input" } else { name };
        let items = list::read(&text).map_err(|wrong| {
            Error::argument("--input", format!("{shown}, line {}: {wrong}", wrong.line), &wrong.given)
        })?;
        if items.is_empty() {
            return Err(Error::argument("--input", "must have a request in it", name));
        }
        return Ok(Source::List { name: shown.to_owned(), items });
    }
    if let Some(name) = &args.body_lines {
        let text = bytes("--body-lines", name, stdin)?;
        let lines = text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let bodies: Vec<Vec<u8>> = lines.filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect();
        return match bodies.len() {
            0 => Err(Error::argument("--body-lines", "must have a line in it", name)),
            1..=list::MAX_REQUESTS => Ok(Source::Bodies(bodies)),
            lines => Err(Error::argument("--body-lines", "must have at most 1000000 lines", lines)),
        };
    }
    if !args.raw.is_empty() {
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        for name in raw_files(args) {
            let known = files.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.clone());
            let bytes = known.map_or_else(|| bytes("--raw", name, stdin), Ok)?;
            files.push((name.to_owned(), bytes));
        }
        return Ok(Source::Raw(files));
    }
    args.body.as_deref().map_or(Ok(Vec::new()), |text| body(text, stdin)).map(Source::Urls)
}

/// The files of `--raw`, as often as they were named.
fn raw_files(args: &LoadArgs) -> impl Iterator<Item = &str> {
    args.raw.iter().flat_map(|list| list.split(','))
}

fn text(argument: &'static str, name: &str, stdin: &mut dyn Read) -> Result<String, Error> {
    String::from_utf8(bytes(argument, name, stdin)?).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Error::argument(argument, format!("must be text in UTF-8, which ends in line {line}"), name)
    })
}

/// A file whole, or standard input.
fn bytes(argument: &'static str, name: &str, stdin: &mut dyn Read) -> Result<Vec<u8>, Error> {
    let unreadable = |cause: io::Error| Error::argument(argument, format!("cannot be read ({cause})"), name);
    let mut bytes = Vec::new();
    let limited = match name {
        "" => return Err(Error::argument(argument, "must be the name of a file", name)),
        url if url.contains("://") => {
            let rule = "must be a file with requests in it (HEAD is -m HEAD, ab's -i)";
            return Err(Error::argument(argument, rule, url));
        }
        "-" => stdin.take(MAX_FILE + 1).read_to_end(&mut bytes),
        name => File::open(name).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)),
    };
    match limited.map_err(unreadable)? as u64 {
        ..=MAX_FILE => Ok(bytes),
        _ => Err(Error::argument(argument, "must be at most 1 GiB", name)),
    }
}

/// Files that are read, which no output may be.
pub(super) fn inputs(args: &LoadArgs) -> Vec<Input> {
    let behind_at = |text: &Option<String>| text.as_deref().and_then(|text| text.strip_prefix('@')).map(str::to_owned);
    let mut all = vec![
        ("--body", behind_at(&args.body)),
        ("--expect-body", behind_at(&args.expect_body)),
        ("--input", args.input.clone()),
        ("--body-lines", args.body_lines.clone()),
    ];
    all.extend(raw_files(args).map(|name| ("--raw", Some(name.to_owned()))));
    let named = all.into_iter().filter_map(|(argument, file)| Some((argument, file.filter(|file| file != "-")?)));
    named.map(|(argument, file)| Input { argument, file: file.into() }).collect()
}
