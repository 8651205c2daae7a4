//! The texts and statements that are known, what goes along with them, and the words that tell that something is about licences.
//!
//! Texts are whole: what is shorter, or has other words than names in it, is another licence.

/// The most words of a sentence before the place of a text.
pub(super) const SENTENCE: usize = 40;

/// How sentences begin that say where a text is.
pub(super) const PLACES: [&str; 5] = [
    "?and on debian",
    "the full|complete|whole text",
    "a copy of the",
    "see usr share",
    "usr share common-licenses",
];

/// Texts and statements, by the licence that they are; the longer ones first where one begins like another.
#[rustfmt::skip]
pub(super) const STATEMENTS: [(&str, &str); 12] = [
    ("X11", "permission is hereby granted free of charge to any person obtaining a copy of this software and associated documentation files the software to deal in the software without restriction|limitation including without limitation ?on the rights to use copy modify merge publish distribute ?sub sublicense|license and or sell copies of the software and to permit persons to whom the software is furnished to do so subject to the following conditions the above copyright notice and this permission notice ?including ?the ?next ?paragraph shall be included in all copies or substantial portions of the software the software is provided as is without warranty of any kind express or implied including but not limited to the warranties of merchantability fitness for a particular purpose and noninfringement|non-infringement in no event shall *20 be liable for any claim damages or other liability whether in an action of contract tort or otherwise arising from out of or in connection with the software or the use or other dealings in the software except as contained in this notice the name|names of *16 shall not be used in advertising or otherwise to promote the sale use or other dealings in this software without prior written authorization"),
    ("MIT", "permission is hereby granted free of charge to any person obtaining a copy of this software and associated documentation files the software to deal in the software without restriction|limitation including without limitation ?on the rights to use copy modify merge publish distribute ?sub sublicense|license and or sell copies of the software and to permit persons to whom the software is furnished to do so subject to the following conditions the above copyright notice and this permission notice ?including ?the ?next ?paragraph shall be included in all copies or substantial portions of the software the software is provided as is without warranty of any kind express or implied including but not limited to the warranties of merchantability fitness for a particular purpose and noninfringement|non-infringement in no event shall *20 be liable for any claim damages or other liability whether in an action of contract tort or otherwise arising from out of or in connection with the software or the use or other dealings in the software"),
    ("HPND-sell-variant", "permission to use copy modify distribute and sell this software and its documentation for any purpose is hereby granted without fee provided that the above copyright notice appear in all copies and that both that copyright notice and this permission notice appear in supporting documentation and that the name|names of *20 not be used in advertising or publicity pertaining to distribution of the software without specific written prior permission *16 make|makes no representations|representation about the suitability of this software for any purpose it is provided as is without express or implied warranty *16 disclaims|disclaim all warranties with regard to this software including all implied warranties of merchantability and fitness in no event shall *20 be liable for any special indirect or consequential damages or any damages whatsoever resulting from loss of use data or profits whether in an action of contract negligence or other tortious action arising out of or in connection with the use or performance of this software"),
    ("BSD-3-Clause", "redistribution and use in source and binary forms with or without modification are permitted provided that the following conditions are met ?1|a redistributions of source code must retain the above copyright notice this list of conditions and the following disclaimer ?2|b redistributions in binary form must reproduce the above copyright notice this list of conditions and the following disclaimer in the documentation and or other materials provided with the distribution ?3 ?this ?condition ?was ?removed ?3|4|c neither the name|names ?of *12 nor the name|names of *8 may be used to endorse or promote products derived from this software without specific prior written permission this software is provided by *12 as is and any express or implied warranties including but not limited to the implied warranties of merchantability and fitness for a particular purpose are disclaimed in no event shall *12 be liable for any direct indirect incidental special exemplary or consequential damages including but not limited to procurement of substitute goods or services loss of use data or profits or business interruption however caused and on any theory of liability whether in contract strict liability or tort including negligence or otherwise arising in any way out of the use of this software even if advised of the possibility of such damage"),
    ("BSD-3-Clause", "redistribution and use in source and binary forms with or without modification are permitted provided that the following conditions are met ?1|a redistributions of source code must retain the above copyright notice this list of conditions and the following disclaimer ?2|b redistributions in binary form must reproduce the above copyright notice this list of conditions and the following disclaimer in the documentation and or other materials provided with the distribution ?3|c the name|names of *8 may not be used to endorse or promote products derived from this software without specific prior written permission this software is provided by *12 as is and any express or implied warranties including but not limited to the implied warranties of merchantability and fitness for a particular purpose are disclaimed in no event shall *12 be liable for any direct indirect incidental special exemplary or consequential damages including but not limited to procurement of substitute goods or services loss of use data or profits or business interruption however caused and on any theory of liability whether in contract strict liability or tort including negligence or otherwise arising in any way out of the use of this software even if advised of the possibility of such damage"),
    ("BSD-2-Clause", "redistribution and use in source and binary forms with or without modification are permitted provided that the following conditions are met ?1|a redistributions of source code must retain the above copyright notice this list of conditions and the following disclaimer ?2|b redistributions in binary form must reproduce the above copyright notice this list of conditions and the following disclaimer in the documentation and or other materials provided with the distribution this software is provided by *12 as is and any express or implied warranties including but not limited to the implied warranties of merchantability and fitness for a particular purpose are disclaimed in no event shall *12 be liable for any direct indirect incidental special exemplary or consequential damages including but not limited to procurement of substitute goods or services loss of use data or profits or business interruption however caused and on any theory of liability whether in contract strict liability or tort including negligence or otherwise arising in any way out of the use of this software even if advised of the possibility of such damage"),
    ("ISC", "permission to use copy modify and ?or distribute this software for any purpose with or without fee is hereby granted provided that the above copyright notice and this permission notice appear in all copies the software is provided as is and *8 disclaims|disclaim all warranties with regard to this software including all implied warranties of merchantability and fitness in no event shall *12 be liable for any special direct indirect or consequential damages or any damages whatsoever resulting from loss of use data or profits whether in an action of contract negligence or other tortious action arising out of or in connection with the use or performance of this software"),
    ("Zlib", "this software is provided as-is without any express or implied warranty in no event will the authors|author be held liable for any damages arising from the use of this software permission is granted to anyone to use this software for any purpose including commercial applications and to alter it and redistribute it freely subject to the following restrictions 1 the origin of this software must not be misrepresented you must not claim that you wrote the original software if you use this software in a product an acknowledgment|acknowledgement in the product documentation would be appreciated but is not required 2 altered source versions must be plainly marked as such and must not be misrepresented as being the original software 3 this notice may not be removed or altered from any source distribution"),
    ("Apache-2.0", "licensed under the apache license version 2.0 the license you may not use this file except in compliance with the license you may obtain a copy of the license at *6 unless required by applicable law or agreed to in writing software distributed under the license is distributed on an as is basis without warranties or conditions of any kind either express or implied see the license for the specific language governing permissions and limitations under the license"),
    ("FSFULLR", "this file is free software the free software foundation gives unlimited permission to copy and or distribute it with or without modifications as long as this notice is preserved"),
    ("FSFAP", "copying and distribution of this file with or without modification are permitted in any medium without royalty provided the copyright notice and this notice are preserved ?this ?file ?is ?offered ?as-is ?without ?any ?warranty"),
    ("Artistic-1.0-Perl OR GPL-1.0-or-later", "under the terms of either a the gnu general public license as published by the free software foundation either version 1 or at your option any later version or b the artistic license ?which ?comes ?with ?perl ?this ?kit"),
];

/// What goes along with statements and has no meaning of its own.
#[rustfmt::skip]
pub(super) const ALONG: [&str; 16] = [
    "a copy of the license is included in the section entitled gnu free documentation license",
    "is free software you can redistribute it and or modify it under the terms of",
    "is free software you may redistribute it and or modify it under the terms of",
    "you can redistribute it and or modify it under the terms of",
    "is distributed under the terms of",
    "permission is granted to copy distribute and or modify this document under the terms of",
    "with no invariant sections ?with no front-cover texts and ?with no back-cover texts",
    "is distributed in the hope that it will be useful but without any warranty without even the implied warranty of merchantability or fitness for a particular purpose see the gnu ?lesser|library|affero general public license for more details",
    "you should have received a copy of the gnu ?lesser|library|affero general public license along with *10 if not",
    "you should have received a copy of the gnu ?lesser|library|affero general public license along with *6 see the file copying ?if ?not",
    "under the following license|licence|terms",
    "see http|https www.gnu.org licenses",
    "www.gnu.org copyleft|licenses",
    "license|licence and copyright",
    "copyright and license|licence",
    "write to the free software foundation",
];

/// Words that lead to a statement, besides those of licences.
pub(super) const LEADING: [&str; 14] = [
    "and",
    "are",
    "as",
    "distributed",
    "in",
    "is",
    "library",
    "of",
    "program",
    "released",
    "terms",
    "the",
    "this",
    "under",
];
/// How words begin that texts about licences have.
pub(super) const STEMS: [&str; 12] = [
    "agpl",
    "apache-2",
    "artistic",
    "distributable",
    "gpl",
    "lgpl",
    "licen",
    "noncommercial",
    "permi",
    "redistribut",
    "sublicen",
    "warrant",
];
/// Other such words, also those that make another text of a known one.
#[rustfmt::skip]
pub(super) const WORDS: [&str; 27] = [
    "acknowledgement", "acknowledgment", "advertising", "authorization", "commercial", "conditions", "consent", "disclaimed", "disclaims",
    "domain", "endorse", "exception", "exceptions", "forbidden", "granted", "liable", "mpl", "non-commercial", "patent", "patents",
    "prohibited", "promote", "proprietary", "restriction", "restrictions", "terms", "unlimited",
];
