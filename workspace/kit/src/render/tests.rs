use insta::assert_snapshot;

use super::*;
use crate::Failure;

const PLAIN: Drawing = Drawing { terminal: false, color: false, columns: 100 };
const TERMINAL: Drawing = Drawing { terminal: true, color: false, columns: 100 };

fn shown(failure: &Failure, drawing: &Drawing) -> String {
    let reports = failure::reports(failure);
    reports.iter().map(|report| report.to_text(drawing)).collect::<Vec<_>>().join("\n")
}

fn two_mistakes() -> Failure {
    let text = "[image]\nname = \"demo\"\nformats = [\"tar\"]\nextend = [\"base\"]\n\n[[service]]\nname = \"a\"\npackage = 3\n";
    let name: kit_recipe::recipe::RecipeName = "image demo".parse().unwrap();
    let problems = kit_recipe::Recipe::parse(&name, text).unwrap_err();
    let recipe = kit_plan::error::Unparsable { recipe: name, text: text.to_owned(), problems };
    Failure::Recipes(vec![kit_plan::PlanError::Recipe(recipe)])
}

#[test]
fn every_problem_of_a_recipe_with_its_place() {
    assert_snapshot!(shown(&two_mistakes(), &TERMINAL), @r#"
    error[kit::recipe::unknown_key]: unknown key `extend` in `[image]`
       ╭─[recipes/images/demo.toml:4:1]
     4 │ extend = ["base"]
       · ───┬──
       ·    ╰── not a key of `[image]`
       ╰────
      help: did you mean `extends`?

    error[kit::recipe::wrong_type]: `package` expects a string, not an integer
       ╭─[recipes/images/demo.toml:8:11]
     8 │ package = 3
       ·           ┬
       ·           ╰── this is an integer
       ╰────
      help: put it in quotes: `"3"`
    "#);
    assert_snapshot!(shown(&two_mistakes(), &PLAIN), @r#"
    error[kit::recipe::unknown_key]: unknown key `extend` in `[image]`
       ,-[recipes/images/demo.toml:4:1]
     4 | extend = ["base"]
       : ^^^|^^
       :    `-- not a key of `[image]`
       `----
      help: did you mean `extends`?

    error[kit::recipe::wrong_type]: `package` expects a string, not an integer
       ,-[recipes/images/demo.toml:8:11]
     8 | package = 3
       :           |
       :           `-- this is an integer
       `----
      help: put it in quotes: `"3"`
    "#);
}

#[test]
fn both_ends_of_a_contradiction_in_two_files() {
    let place = |recipe: &str, text: &str, span| kit_plan::error::Place {
        recipe: recipe.parse().unwrap(),
        text: text.to_owned(),
        span,
    };
    let failure = Failure::Recipes(vec![kit_plan::PlanError::DuplicateContainer {
        name: "shell".to_owned(),
        second: place("image web", "[[service]]\nname = \"shell\"\n", 19..26),
        first: place("image base", "# base\n[[service]]\nname = \"shell\"\n", 26..33),
    }]);
    assert_snapshot!(shown(&failure, &PLAIN), @r#"
    error[kit::plan::duplicate_container]: two containers are called `shell`
       ,-[recipes/images/web.toml:2:8]
     2 | name = "shell"
       :        ^^^|^^^
       :           `-- this one
       `----
       ,-[recipes/images/base.toml:3:8]
     3 | name = "shell"
       :        ^^^|^^^
       :           `-- has the name first
       `----
      help: rename one, or write `replace = true` in the one that takes the other's place
    "#);
}

#[test]
fn a_failed_script_shows_the_end_of_its_log_harmless() {
    let failure = Failure::Build(kit_build::BuildError::Script {
        title: "build demo".to_owned(),
        failure: kit_build::error::ScriptFailure::Exit(2),
        log_tail: "cc: \x1b[31merror\x1b[0m\nmake: *** stop".to_owned(),
    });
    assert_snapshot!(shown(&failure, &PLAIN), @r#"
    error[kit::build::script_failed]: `build demo` failed: it returned 2
      the end of its log:
      | cc: \x1b[31merror\x1b[0m
      | make: *** stop
      help: `kit log "build demo"` shows all that it printed, `kit shell --failed` opens a shell where it failed
    "#);
    assert_eq!(failure::kind(&failure), Kind::User);
}

#[test]
fn causes_follow_the_message() {
    let source = std::io::Error::new(std::io::ErrorKind::PermissionDenied, "permission denied");
    let failure = Failure::File { action: "open", path: "/nowhere".into(), source };
    assert_snapshot!(shown(&failure, &PLAIN), @r#"
    error[kit::project::file]: cannot open `/nowhere`
      cause: permission denied
    "#);
    assert_eq!(failure::kind(&failure), Kind::Environment);
}

#[test]
fn json_has_the_same_facts() {
    let reports = failure::reports(&two_mistakes());
    assert_snapshot!(serde_json::to_string_pretty(&reports[0].to_json()).unwrap(), @r#"
    {
      "causes": [],
      "code": "kit::recipe::unknown_key",
      "help": "did you mean `extends`?",
      "kind": "user",
      "labels": [
        {
          "column": 1,
          "end": 46,
          "file": "recipes/images/demo.toml",
          "label": "not a key of `[image]`",
          "line": 4,
          "start": 40
        }
      ],
      "message": "unknown key `extend` in `[image]`",
      "notes": []
    }
    "#);
}

#[test]
fn wrong_usage_is_an_error_like_any_other() {
    use clap::Parser as _;
    let error = |line: &str| {
        let error = crate::args::Cli::try_parse_from(line.split(' ')).unwrap_err();
        Report::usage(&error).to_text(&PLAIN)
    };
    assert_snapshot!(error("kit build --formt tar"), @r#"
    error[kit::usage::unknown_argument]: unexpected argument '--formt' found
      usage: kit build --format <FORMAT> [IMAGE]...
      help: a similar argument exists: '--format'
    "#);
    assert_snapshot!(error("kit bild"), @r#"
    error[kit::usage::unknown_command]: unrecognized subcommand 'bild'
      usage: kit [OPTIONS] <COMMAND>
      help: a similar subcommand exists: 'build'
    "#);
    assert_snapshot!(error("kit why minimal"), @r#"
    error[kit::usage::missing_argument]: the following required arguments were not provided:
        <WHAT>
      usage: kit why <IMAGE|FILE> <WHAT>
      help: `--help` shows all arguments
    "#);
}
