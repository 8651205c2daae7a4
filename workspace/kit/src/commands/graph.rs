//! `kit graph`: what an image is made of, as a graph.

use std::process::ExitCode;

use clap::ValueEnum;
use kit_audit::graph::{Edge, Graph, How, Node, Scope};
use kit_audit::report::page;
use kit_recipe::lockfile::Subject;
use serde_json::json;

use crate::Failure;
use crate::context::Context;
use crate::evidence::{Built, Wanted};
use crate::workbench::parse_name;

const EXAMPLES: &str = "\
Examples:
  kit graph minimal --as svg > minimal.svg       a drawing, for a browser
  kit graph minimal | dot -Tpdf > minimal.pdf    drawn by Graphviz
  kit graph minimal --as mermaid                 for a document
  kit graph minimal --tools                      with all that it is built with";

/// Show what an image is made of, as a graph: recipes, packages, crates, images
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Show this image
    image: String,
    /// Write it in this language
    #[arg(long = "as", value_name = "LANGUAGE", default_value = "dot")]
    language: Language,
    /// Show what it is built with, too
    #[arg(long)]
    tools: bool,
}

/// Languages of graphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    /// Graphviz
    Dot,
    /// Mermaid
    Mermaid,
    /// A drawing
    Svg,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let subject = Subject::Image(parse_name(&args.image, "an image")?);
    let store = context.store()?;
    let built = Built::prepare(context, &store, &subject, Wanted::Shipped)?;
    let scope = if args.tools { Scope::All } else { Scope::Shipped };
    let graph = Graph::new(&built.inventory, scope);
    let text = match args.language {
        Language::Dot => graph.to_dot(),
        Language::Mermaid => graph.to_mermaid(),
        Language::Svg => {
            let drawn = page::graph::Graph::new(&built.inventory, scope);
            drawn.expect("because an image is one of its components").to_svg()
        }
    };
    context.output.data(&text).map_err(Failure::Output)?;
    let node = |node: &Node| json!({ "component": node.id.to_string(), "role": node.role.word(), "bytes": node.bytes });
    let edge = |edge: &Edge| {
        let how = if edge.how == How::Of { "of" } else { "with" };
        json!({ "from": edge.from, "to": edge.to, "how": how })
    };
    let result = json!({
        "nodes": graph.nodes.iter().map(node).collect::<Vec<_>>(),
        "edges": graph.edges.iter().map(edge).collect::<Vec<_>>(),
    });
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}
