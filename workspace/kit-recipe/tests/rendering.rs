//! How a problem looks in a terminal.

use kit_recipe::Recipe;
use miette::{GraphicalReportHandler, GraphicalTheme};

fn rendered(name: &str, text: &str) -> String {
    let name = name.parse().expect("the recipe is named");
    let problems = Recipe::parse(&name, text).expect_err("the recipe has problems");
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    let mut screen = String::new();
    for report in problems.into_reports(&name.path(), text) {
        handler.render_report(&mut screen, &report).expect("a string takes everything");
        screen.push('\n');
    }
    screen
}

#[test]
fn looks_as_intended() {
    let text = "[image]\nname = \"router\"\nformats = [\"kernel+initrd\"]\n\n[init]\npackges = [\"busybox\", \"nftables\"]\n\n\
                [[service]]\nname = \"web\"\npackage = \"nginx\"\n\n[[onboot]]\nname = \"web\"\npackage = \"sysctl\"\n";
    insta::assert_snapshot!(rendered("image router", text), @r#"
    kit::recipe::unknown_key

      × unknown key `packges` in `[init]`
       ╭─[recipes/images/router.toml:6:1]
     5 │ [init]
     6 │ packges = ["busybox", "nftables"]
       · ───┬───
       ·    ╰── not a key of `[init]`
     7 │ 
       ╰────
      help: did you mean `packages`?

    kit::recipe::duplicate_name

      × two containers are called `web`
        ╭─[recipes/images/router.toml:13:8]
      8 │ [[service]]
      9 │ name = "web"
        ·        ──┬──
        ·          ╰── written first here
     10 │ package = "nginx"
     11 │ 
     12 │ [[onboot]]
     13 │ name = "web"
        ·        ──┬──
        ·          ╰── written again here
     14 │ package = "sysctl"
        ╰────
      help: give one of them another name
    "#);
}
