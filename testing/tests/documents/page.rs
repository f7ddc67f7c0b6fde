//! A Markdown page → what is run of it, in its order. Pure.
//!
//! ```` ```sh ```` is a script that must succeed; in ```` ```console ```` a line `$ …` is a command, a line `> …` goes on
//! with it, and what follows is what it prints. Other blocks are only shown. A comment in front of a block, at the start
//! of a line, says what a reader need not see:
//!
//! | comment | means |
//! |---|---|
//! | `<!-- needs: cluster, kubectl, age, peers -->` | what the page needs besides `seal`, `seal-controller`, git and a shell |
//! | `<!-- not run: REASON -->` | the next block cannot run in a test |
//! | `<!-- file: PATH -->` | the next block is what stands in that file from here on |
//! | `<!-- unseen: REASON`, a script, `-->` | the script runs here |
//! | `<!-- the controller starts -->` | the program of the Deployment runs from here on, for want of a kubelet |
//! | `<!-- the controller stops -->` | until here |
//! | `<!-- the garbage collector looks for kinds -->` | which it does every half minute otherwise |

use std::collections::BTreeSet;

/// What the page asks for and does.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Page {
    pub(crate) needs: BTreeSet<String>,
    pub(crate) steps: Vec<Step>,
    /// Line and reason of each block that is not run.
    pub(crate) not_run: Vec<(usize, String)>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Step {
    /// Where in the page, counted from 1.
    pub(crate) line: usize,
    pub(crate) what: What,
}

#[derive(Debug, PartialEq)]
pub(crate) enum What {
    Script(String),
    Command { code: String, prints: String },
    File { path: String, text: String },
    Start,
    Stop,
    CollectorLooks,
}

/// What a comment says of the block behind it.
#[derive(Debug, PartialEq)]
enum Mark {
    NotRun(String),
    File(String),
}

/// Reads a page; what is not understood is a panic that names the page and the line.
pub(crate) fn read(name: &str, text: &str) -> Page {
    std::panic::catch_unwind(|| read_steps(text))
        .unwrap_or_else(|_| panic!("{name} is not understood"))
}

fn read_steps(text: &str) -> Page {
    let mut page = Page::default();
    let mut mark = None;
    let mut lines = text.lines().enumerate().map(|(index, text)| (index + 1, text));
    while let Some((line, text)) = lines.next() {
        if let Some(language) = text.strip_prefix("```") {
            let block = until(&mut lines, "```", line);
            page.block(line, language, block, mark.take());
        } else if let Some(comment) = text.strip_prefix("<!-- ") {
            let body = match comment.strip_suffix("-->") {
                Some(one_line) => one_line.trim().to_owned(),
                None => format!("{comment}\n{}", until(&mut lines, "-->", line)),
            };
            mark = page.comment(line, &body).or(mark);
        } else {
            assert!(
                !text.trim_start().starts_with("```"),
                "line {line}: a block is not indented, so that it is run"
            );
        }
    }
    assert_eq!(mark, None, "a comment at the end of the page has no block behind it");
    page
}

fn until<'t>(lines: &mut impl Iterator<Item = (usize, &'t str)>, end: &str, from: usize) -> String {
    let mut block = String::new();
    for (_, text) in lines {
        if text == end {
            return block;
        }
        block.push_str(text);
        block.push('\n');
    }
    panic!("line {from}: there is no {end} behind it")
}

impl Page {
    fn block(&mut self, line: usize, language: &str, block: String, mark: Option<Mark>) {
        match (mark, language) {
            (Some(Mark::NotRun(reason)), "sh" | "console") => self.not_run.push((line, reason)),
            (Some(Mark::NotRun(_)), _) => panic!("line {line}: such a block is never run"),
            (Some(Mark::File(path)), _) => self.push(line, What::File { path, text: block }),
            (None, "sh") => self.push(line, What::Script(block)),
            (None, "console") => self.console(line, &block),
            (None, "bash" | "shell" | "zsh" | "") => {
                panic!("line {line}: commands are `sh` or `console`, all else names its language")
            }
            (None, _) => {}
        }
    }

    fn console(&mut self, first: usize, block: &str) {
        let mut command: Option<(usize, String, String)> = None;
        for (index, text) in block.lines().enumerate() {
            let line = first + 1 + index;
            if let Some(code) = text.strip_prefix("$ ") {
                self.command(command.replace((line, code.to_owned(), String::new())));
                continue;
            }
            let Some((_, code, prints)) = &mut command else {
                panic!("line {line}: a console block begins with `$ `")
            };
            match text.strip_prefix("> ").or((text == ">").then_some("")) {
                Some(more) if prints.is_empty() => *code += &format!("\n{more}"),
                _ => *prints += &format!("{text}\n"),
            }
        }
        self.command(command);
    }

    fn command(&mut self, command: Option<(usize, String, String)>) {
        if let Some((line, code, prints)) = command {
            self.push(line, What::Command { code, prints });
        }
    }

    fn comment(&mut self, line: usize, body: &str) -> Option<Mark> {
        let (word, rest) = body.split_once(": ").unwrap_or((body, ""));
        match word {
            "needs" => self.needs.extend(rest.split(", ").map(str::to_owned)),
            "not run" => return Some(Mark::NotRun(rest.to_owned())),
            "file" => return Some(Mark::File(rest.to_owned())),
            "unseen" => {
                let (_, script) = rest.split_once('\n').unwrap_or_default();
                assert!(!script.is_empty(), "line {line}: no script behind `unseen`");
                self.push(line, What::Script(script.to_owned()));
            }
            "the controller starts" => self.push(line, What::Start),
            "the controller stops" => self.push(line, What::Stop),
            "the garbage collector looks for kinds" => self.push(line, What::CollectorLooks),
            _ => {} // for people, and for other tests
        }
        None
    }

    fn push(&mut self, line: usize, what: What) {
        self.steps.push(Step { line, what });
    }
}

#[test]
fn a_page_is_read_in_its_order() {
    let page = read_steps(
        "# T\n<!-- needs: cluster, age -->\n```sh\ntrue\n```\n<!-- file: a.yaml -->\n```yaml\na: 1\n```\n\
         ```console\n$ cat <<'END'\n> x\n> END\nx\n$ false\n```\n<!-- not run: no registry -->\n```console\n$ push\n```\n\
         <!-- unseen: no value\ntouch x\n-->\n<!-- the controller starts -->\n<!-- a remark -->\n",
    );
    assert_eq!(page.needs, ["age", "cluster"].map(str::to_owned).into());
    assert_eq!(page.not_run, [(18, "no registry".to_owned())]);
    let command =
        |code: &str, prints: &str| What::Command { code: code.into(), prints: prints.into() };
    let expected = [
        (3, What::Script("true\n".into())),
        (7, What::File { path: "a.yaml".into(), text: "a: 1\n".into() }),
        (11, command("cat <<'END'\nx\nEND", "x\n")),
        (15, command("false", "")),
        (21, What::Script("touch x\n".into())),
        (24, What::Start),
    ];
    let expected = expected.map(|(line, what)| Step { line, what });
    assert_eq!(page.steps, expected);
}
