//! An external extension that writes a line of JSON for each invocation, and one when the environment ends.
//!
//! The Extensions API is HTTP on the local host, so the standard library is enough. Whatever fails ends the extension,
//! which Lambda reports as `Extension.Crash`.

use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::TcpStream;

const ROOT: &str = "/2020-01-01/extension";

/// The head and the body of a response.
struct Answer {
    head: String,
    body: String,
}

impl Answer {
    /// The value of a header. Names of headers are compared without case.
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The text of a key whose value is a string without escapes: types of events and identifiers are.
    fn text(&self, key: &str) -> Option<&str> {
        let (_, rest) = self.body.split_once(&format!("\"{key}\""))?;
        let value = rest
            .trim_start()
            .strip_prefix(':')?
            .trim_start()
            .strip_prefix('"')?;
        value.split('"').next()
    }
}

/// Send one request. HTTP/1.0 ends a response by closing the connection, so nothing has to be counted.
fn ask(
    api: &str,
    method: &str,
    path: &str,
    header: &str,
    body: &str,
) -> Result<Answer, Box<dyn Error>> {
    let mut stream = TcpStream::connect(api)?;
    let length = body.len();
    let head = format!("{method} {ROOT}{path} HTTP/1.0\r\nHost: {api}\r\n{header}\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes())?;
    let mut received = Vec::new();
    stream.read_to_end(&mut received)?;
    let text = String::from_utf8_lossy(&received);
    let (head, body) = text
        .split_once("\r\n\r\n")
        .ok_or("the response has no end of its head")?;
    if head.split_whitespace().nth(1) != Some("200") {
        return Err(format!("{path}: {}", head.lines().next().unwrap_or_default()).into());
    }
    Ok(Answer {
        head: head.to_owned(),
        body: body.to_owned(),
    })
}

/// The file name of this program, which is the name that Lambda knows the extension by.
fn name() -> Result<String, Box<dyn Error>> {
    let path = env::args().next().ok_or("no name")?;
    Ok(path.rsplit('/').next().unwrap_or_default().to_owned())
}

fn main() -> Result<(), Box<dyn Error>> {
    let api = env::var("AWS_LAMBDA_RUNTIME_API")?;
    let name = name()?;
    let header = format!("Lambda-Extension-Name: {name}");
    let registered = ask(
        &api,
        "POST",
        "/register",
        &header,
        r#"{"events": ["INVOKE", "SHUTDOWN"]}"#,
    )?;
    let id = registered
        .header("Lambda-Extension-Identifier")
        .ok_or("no identifier")?;
    let header = format!("Lambda-Extension-Identifier: {id}");
    loop {
        let event = ask(&api, "GET", "/event/next", &header, "")?;
        let kind = event.text("eventType").unwrap_or("unknown");
        let request = event.text("requestId").unwrap_or_default();
        writeln!(
            io::stdout(),
            r#"{{"extension": "{name}", "event": "{kind}", "request": "{request}"}}"#
        )?;
        if kind == "SHUTDOWN" {
            return Ok(());
        }
    }
}
