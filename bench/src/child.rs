//! One run of a program: how long, how much processor, how much memory at its peak.
//!
//! A process can ask for the peak of *all* its children only, so each run has a parent of its own: this program
//! again, which is small when it starts another. What that parent itself holds is the least that can be seen.

use std::env;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::Result;

/// The word by which this program knows that it is such a parent.
pub(crate) const MEASURE: &str = "measure-one-child";

/// What one run took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    pub(crate) peak_kib: u64,
}

/// A program with its arguments and what it reads.
#[derive(Clone, Debug)]
pub(crate) struct Run<'a> {
    pub(crate) program: &'a Path,
    pub(crate) args: Vec<String>,
    pub(crate) stdin: &'a Path,
    pub(crate) directory: &'a Path,
}

impl Run<'_> {
    /// Runs it once, without anybody's environment, and keeps its output in `stdout`.
    pub(crate) fn once(&self, stdout: &Path) -> Result<Cost> {
        let output = Command::new(env::current_exe()?)
            .arg(MEASURE)
            .args([self.stdin, stdout, self.program])
            .args(&self.args)
            .current_dir(self.directory)
            .env_clear()
            .env("HOME", self.directory)
            .stderr(Stdio::piped())
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        parse(&String::from_utf8(output.stdout)?).ok_or_else(|| "no numbers came back".into())
    }
}

fn parse(numbers: &str) -> Option<Cost> {
    let mut numbers = numbers.split_whitespace().map(str::parse);
    let mut next = || numbers.next()?.ok();
    let (wall, cpu) = (Duration::from_nanos(next()?), Duration::from_micros(next()?));
    Some(Cost { wall, cpu, peak_kib: next()? })
}

/// The parent's side: runs the program and says nanoseconds, microseconds of processor and KiB.
pub(crate) fn measure(stdin: &str, stdout: &str, program: &str, args: &[&str]) -> Result<String> {
    let (stdin, stdout) = (File::open(stdin)?, File::create(stdout)?);
    let mut command = Command::new(program);
    command.args(args).stdin(stdin).stdout(stdout).stderr(Stdio::piped());

    let began = Instant::now();
    let output = command.spawn()?.wait_with_output()?;
    let wall = began.elapsed();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{program} failed: {said}").into());
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = usage.user_time() + usage.system_time();
    Ok(format!("{} {} {}\n", wall.as_nanos(), cpu.num_microseconds(), usage.max_rss()))
}
