use super::*;

const MIT: &str = "
 * Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files
 * (the \"Software\"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge,
 * publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do
 * so, subject to the following conditions:
 *
 * The above copyright notice and this permission notice (including the next paragraph) shall be included in all copies or substantial
 * portions of the Software.
 *
 * THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
 * MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT.  IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE
 * FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION
 * WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
";
const ADVERTISING: &str = "Except as contained in this notice, the names of the authors or their institutions shall not be used in advertising or
otherwise to promote the sale, use or other dealings in this Software without prior written authorization from the authors.
";
const BSD: &str = "Redistribution and use in source and binary forms, with or without modification, are permitted provided that the
following conditions are met:
1. Redistributions of source code must retain the above copyright notice, this list of conditions and the following disclaimer.
2. Redistributions in binary form must reproduce the above copyright notice, this list of conditions and the following disclaimer in the
   documentation and/or other materials provided with the distribution.
@THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS \"AS IS\" AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT
LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT
OWNER OR CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT
LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON
ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE
USE OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
";
const GPL: &str = "This program is free software; you can redistribute it and/or modify it under the terms of the GNU General Public License
as published by the Free Software Foundation; either version 2 of the License, or (at your option) any later version.

This program is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY; without even the implied warranty of
MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the GNU General Public License for more details.

On Debian systems, the complete text of the GNU General Public License can be found in `/usr/share/common-licenses/GPL-2'.
";

/// Returns what a text is under, and a question mark where not all is understood.
fn said(text: &str) -> Vec<String> {
    let prose = read(text);
    prose.licences.into_iter().chain(prose.not_understood.map(|_| "?".to_owned())).collect()
}

#[test]
fn the_usual_texts_and_statements_are_known() {
    let neither = "3. Neither the name of the University nor the names of its contributors may be used to endorse or promote products \
         derived from this software without specific prior written permission.\n";
    let table = [
        (MIT.to_owned(), &["MIT"][..]),
        (format!("{MIT}\n{ADVERTISING}"), &["X11"]),
        ("The packaging is licensed under Apache-2.0.".to_owned(), &["Apache-2.0"]),
        (BSD.replace('@', ""), &["BSD-2-Clause"]),
        (BSD.replace('@', neither), &["BSD-3-Clause"]),
        (GPL.to_owned(), &["GPL-2.0-or-later"]),
        (GPL.replace("either version 2 of the License, or (at your option) any later version", "version 2"), &["GPL-2.0-only"]),
        (GPL.replace("General", "Lesser General").replace("/GPL", "/LGPL").replace("version 2 ", "version 2.1 "), &["LGPL-2.1-or-later"]),
        (GPL.replace("General", "Library General").replace("/GPL", "/LGPL"), &["LGPL-2.0-or-later"]),
        (format!("Copyright (C) 2020 Me\n{GPL}\n\nThe library:\n{MIT}"), &["GPL-2.0-or-later", "MIT"]),
        ("The library is licensed as LGPLv2.1+, the tools are GPLv3+.".to_owned(), &["GPL-3.0-or-later", "LGPL-2.1-or-later"]),
        (format!("{GPL}\nThe text of the GNU General Public License (GPL 2):\n"), &["GPL-2.0-or-later"]),
        ("It is dual licensed LGPLv3+ or GPLv2+.".to_owned(), &["LGPL-3.0-or-later OR GPL-2.0-or-later"]),
        ("under the terms of the GNU Lesser General Public License (either version 3 of the License, or, at your option, any later version).".to_owned(), &["LGPL-3.0-or-later"]),
        ("Permission is granted to copy, distribute and/or modify this document under the terms of the GNU Free Documentation License, \
          Version 1.2 or any later version published by the Free Software Foundation; with no Invariant Sections, with no Front-Cover Texts, \
          and with no Back-Cover Texts.".to_owned(), &["GFDL-1.2-no-invariants-or-later"]),
    ];
    for (text, expected) in table {
        assert_eq!(said(&text), expected, "{text}");
    }
}

#[test]
fn what_is_only_similar_or_left_over_is_not_concluded() {
    let table = [
        (String::new(), &["?"][..]),
        ("Copyright 2020 Me\n".to_owned(), &["?"]),
        ("This is free software under the MIT licence.".to_owned(), &["?"]),
        ("It is under the GNU General Public License.".to_owned(), &["?"]),
        // One word more, or less, makes it another text.
        (MIT.replace("free of charge", "for a fee"), &["?"]),
        (MIT.replace("FITNESS FOR A PARTICULAR PURPOSE AND ", ""), &["?"]),
        (BSD.replace('@', "3. Everybody must be told.\n"), &["?"]),
        // Where a text is says nothing of what is under it.
        (
            format!("{MIT}\nOn Debian systems, the GPL is in /usr/share/common-licenses/GPL-2.\n"),
            &["MIT", "?"],
        ),
        ("This is under the licence in /usr/share/common-licenses/GPL-2.".to_owned(), &["?"]),
        // A sentence more makes it another licence, an exception too.
        (format!("{MIT}\nThe name of the author shall not be used in advertising.\n"), &["MIT", "?"]),
        (
            format!("{GPL}\nAs a special exception, it may be linked with OpenSSL.\n"),
            &["GPL-2.0-or-later", "?"],
        ),
        // A version that there isn't.
        (GPL.replace("version 2 ", "version 7 "), &["?"]),
        // Something else is there, too.
        (format!("{GPL}\nThe file data.c is licensed under other terms.\n"), &["GPL-2.0-or-later", "?"]),
        (format!("{MIT}\nAll else may not be redistributed.\n"), &["MIT", "?"]),
        (format!("Under the Foo license or\n{GPL}"), &["GPL-2.0-or-later", "?"]),
        ("It is LGPLv3+ or something else.".to_owned(), &["LGPL-3.0-or-later", "?"]),
    ];
    for (text, expected) in table {
        assert_eq!(said(&text), expected, "{text}");
    }
}

#[test]
fn the_line_that_is_not_understood_is_named() {
    assert_eq!(read(&format!("{GPL}\nother terms\n")).not_understood, Some(9));
}

proptest::proptest! {
    #[test]
    fn any_text_is_read(text in "(GNU |General |Public |License |version |2 |or |MIT |\\n|[.+-]|[a-z]{0,3} ){0,60}") {
        _ = read(&text);
    }
}
