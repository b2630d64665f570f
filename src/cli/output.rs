//! Standard output that survives a closed pipe, and standard error.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};

use crate::report::{Style, fit, plain};

/// Buffered standard output. When the reader goes away (`| head`), writing fails and [`Output::reader_left`] says why.
pub struct Output {
    writer: BufWriter<io::Stdout>,
    terminal: bool,
    reader_left: bool,
}

impl Output {
    /// Standard output.
    pub fn stdout() -> Self {
        let stdout = io::stdout();
        Self {
            terminal: stdout.is_terminal(),
            writer: BufWriter::with_capacity(64 * 1024, stdout),
            reader_left: false,
        }
    }

    /// Whether a write failed because nobody reads any more.
    pub fn reader_left(&self) -> bool {
        self.reader_left
    }

    /// How text may look here.
    pub fn style(&self) -> Style {
        Style {
            width: self.terminal.then(|| console_width().unwrap_or(120)),
            color: color_on(&io::stdout()),
        }
    }

    /// Writes lines of text, broken between words where a terminal is too narrow for them.
    pub fn write_text(&mut self, text: &[u8]) -> io::Result<()> {
        match self.style().width {
            Some(width) => self.write_all(fit(&String::from_utf8_lossy(text), width).as_bytes()),
            None => self.write_all(text),
        }
    }

    /// Writes everything out.
    pub fn finish(&mut self) -> io::Result<()> {
        self.flush()
    }

    fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result {
            self.reader_left |= error.kind() == ErrorKind::BrokenPipe;
        }
        result
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.writer.write(bytes);
        self.note(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.writer.flush();
        self.note(result)
    }
}

/// Colours only on a terminal that knows them, and not where `NO_COLOR` is set (<https://no-color.org>).
pub fn color_on(stream: &impl IsTerminal) -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    stream.is_terminal() && !no_color && !dumb
}

/// Columns of the terminal.
fn console_width() -> Option<u16> {
    let (_, columns) = console::Term::stdout().size_checked()?;
    Some(columns)
}

/// One line to the person at the terminal. Paths and bytes of a capture may stand in it.
pub fn say(line: &str) {
    // Where standard error is closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "straggler: {}", plain(line));
}
