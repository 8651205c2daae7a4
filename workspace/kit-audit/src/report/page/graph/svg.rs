//! A drawing as SVG: the same elements in a page, which has their style, and in a file of its own.

use std::fmt::{self, Write as _};

use super::{Box, Drawing, Line};

/// Around a drawing, so that no line is cut.
const EDGE: u32 = 2;
/// The colours of the page, by what the reader's surroundings are; without variables, which not every program knows.
const STYLE: &str = "
svg { background: #fff }
text { font: 12px system-ui, \"DejaVu Sans\", sans-serif; fill: #1b2330 }
.amount { font-size: 10px; fill: #5b6678; text-anchor: end }
path { fill: none; stroke: #b9c2d0; stroke-width: 1 }
rect { fill: #e9ecf1 }
.k-deb rect, .k-deb-source rect { fill: #d3e0f6 }
.k-crate rect { fill: #f6dfc2 }
.k-file rect { fill: #d6ebcb }
.k-image rect { fill: #e6d8f1 }
.k-recipe rect { fill: #cdeae6 }
.tool rect { stroke: #5b6678; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) {
svg { background: #1a2029 }
text { fill: #e4e9f1 }
.amount { fill: #9aa6b8 }
path { stroke: #465264 }
rect { fill: #2a313c }
.k-deb rect, .k-deb-source rect { fill: #263d63 }
.k-crate rect { fill: #58401f }
.k-file rect { fill: #2d4a25 }
.k-image rect { fill: #44315a }
.k-recipe rect { fill: #1d4a48 }
.tool rect { stroke: #9aa6b8 }
}
";

/// A text in XML: what means something there is written otherwise.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}

/// Returns a file.
pub(super) fn file(description: &str, drawing: &Drawing) -> String {
    let (width, height) = (drawing.width + 2 * EDGE, drawing.height + 2 * EDGE);
    let title = Escaped(description);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-{EDGE} -{EDGE} {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>{}\n</svg>\n",
        elements(drawing)
    )
}

/// Returns lines, and boxes over them.
pub(super) fn elements(drawing: &Drawing) -> String {
    let mut text = String::new();
    let lines = drawing.lines.iter().try_for_each(|line| self::line(&mut text, line));
    let boxes = drawing.boxes.iter().try_for_each(|one| boxed(&mut text, one));
    lines.and(boxes).expect("because a string takes all");
    text
}

fn line(text: &mut String, Line { from, to, path }: &Line) -> fmt::Result {
    write!(text, "\n<path data-from=\"{from}\" data-to=\"{to}\" d=\"{path}\"/>")
}

fn boxed(text: &mut String, one: &Box) -> fmt::Result {
    let Box { node, number, class, is_tool, label, amount, title, x, y, width, height } = one;
    let tool = if *is_tool { " tool" } else { "" };
    write!(text, "\n<g class=\"k-{class}{tool}\" data-node=\"{node}\"")?;
    if let Some(number) = number {
        write!(text, " data-component=\"{number}\"")?;
    }
    write!(
        text,
        "><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"4\"/>\
         <text x=\"{}\" y=\"{}\">{}</text>",
        Escaped(title),
        x + 8,
        y + 15,
        Escaped(label)
    )?;
    if !amount.is_empty() {
        let (x, y) = (x + width - 7, y + 15);
        write!(text, "<text class=\"amount\" x=\"{x}\" y=\"{y}\">{}</text>", Escaped(amount))?;
    }
    text.write_str("</g>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_stay_text() {
        let one = Box {
            node: 0,
            number: None,
            class: "deb",
            is_tool: true,
            label: "a<b>&\"c\"'".to_owned(),
            amount: String::new(),
            title: "</title><script>".to_owned(),
            x: 1,
            y: 2,
            width: 30,
            height: 22,
        };
        let line = Line { from: 0, to: 0, path: "M1 2H3".to_owned() };
        let drawing = Drawing { width: 40, height: 30, boxes: vec![one], lines: vec![line] };
        assert_eq!(
            elements(&drawing),
            "\n<path data-from=\"0\" data-to=\"0\" d=\"M1 2H3\"/>\
             \n<g class=\"k-deb tool\" data-node=\"0\"><title>&lt;/title&gt;&lt;script&gt;</title>\
             <rect x=\"1\" y=\"2\" width=\"30\" height=\"22\" rx=\"4\"/>\
             <text x=\"9\" y=\"17\">a&lt;b&gt;&amp;&quot;c&quot;&#39;</text></g>"
        );
        let file = file("1 < 2", &drawing);
        assert!(file.starts_with("<?xml ") && file.contains("<title>1 &lt; 2</title>"), "{file}");
        assert!(file.contains("viewBox=\"-2 -2 44 34\"") && file.ends_with("</g>\n</svg>\n"), "{file}");
    }
}
