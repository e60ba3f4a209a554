//! C programs, compiled with the header and run with the library.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

/// The folder that cargo has put the libraries into: that of this test.
fn libraries() -> Result<PathBuf> {
    Ok(std::env::current_exe()?.parent().ok_or("no folder")?.to_path_buf())
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let (stdout, stderr) = (String::from_utf8(output.stdout)?, String::from_utf8_lossy(&output.stderr).into_owned());
    if output.status.success() {
        Ok(stdout)
    } else {
        // Printed as it is: what returns an error from a test quotes it.
        eprintln!("{stdout}{stderr}");
        Err(format!("{command:?}: {}", output.status).into())
    }
}

/// Compiles `source` with `compiler`, all warnings being errors, and links it with what `link` adds.
fn compile(compiler: &str, source: &str, program: &Path, link: impl FnOnce(&mut Command)) -> Result {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(compiler);
    command.args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-O1", "-I"]).arg(root.join("include"));
    command.arg(root.join(source)).arg("-o").arg(program);
    link(&mut command);
    run(&mut command).map(drop)
}

/// Links with the shared library, which the program finds where it is.
fn shared(libraries: &Path) -> impl FnOnce(&mut Command) {
    let search = libraries.to_path_buf();
    move |command| {
        let rpath = format!("-Wl,-rpath,{}", search.display());
        command.arg("-L").arg(search).args(["-llumivox_capi", "-lpthread", "-lm"]).arg(rpath);
    }
}

#[test]
fn the_interface_keeps_its_word() -> Result {
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("interface");
    compile("gcc", "tests/interface.c", &program, shared(&libraries()?))?;
    run(Command::new(program).current_dir(&folder)).map(drop)
}

#[test]
fn the_example_speaks_linked_with_either_library() -> Result {
    let folder = tempfile::tempdir()?;
    let libraries = libraries()?;
    let archive = libraries.join("liblumivox_capi.a");
    let (dynamic, fixed) = (folder.path().join("dynamic"), folder.path().join("static"));
    compile("gcc", "examples/speak.c", &dynamic, shared(&libraries))?;
    compile("gcc", "examples/speak.c", &fixed, |command| {
        command.arg(archive).args(["-lpthread", "-lm", "-ldl"]);
    })?;
    for program in [&dynamic, &fixed] {
        let wav = program.with_extension("wav");
        let words = run(Command::new(program).args(["embedded", "Hello from C."]).arg(&wav))?;
        let spoken: Vec<&str> = words.lines().filter_map(|line| line.split_whitespace().last()).collect();
        assert_eq!(spoken, ["Hello", "from", "C."]);
        let mut reader = hound::WavReader::open(&wav)?;
        let samples: Vec<i16> = reader.samples().collect::<std::result::Result<_, _>>()?;
        assert_eq!(reader.spec().sample_rate, 22050);
        assert!(samples.len() > 10_000, "{} samples", samples.len());
        assert!(samples.iter().any(|sample| sample.unsigned_abs() > 3000));
    }
    assert_eq!(std::fs::read(dynamic.with_extension("wav"))?, std::fs::read(fixed.with_extension("wav"))?);
    Ok(())
}

/// C++ takes the header, too.
#[test]
fn the_header_is_valid_in_cpp() -> Result {
    let folder = tempfile::tempdir()?;
    let source = folder.path().join("use.cpp");
    std::fs::write(&source, "#include <lumivox.h>\nint main() { return lumivox_version()[0] == '\\0'; }\n")?;
    let program = folder.path().join("use");
    compile("g++", source.to_str().ok_or("path")?, &program, shared(&libraries()?))?;
    run(&mut Command::new(program)).map(drop)
}
