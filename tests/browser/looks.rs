//! What holds of every page however it is looked at: width, contrast, headings, labels, keyboard.

use serde_json::json;

use crate::{Case, HOST};

/// Texts whose contrast with what is behind them is less than AA wants: 4.5, or 3 of large ones.
const FAINT: &str = r#"(() => {
  const parts = (text) => text.match(/[\d.]+/g).map(Number);
  const light = (text) => {
    const [r, g, b] = parts(text).map((one) => {
      one /= 255;
      return one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const ground = getComputedStyle(one).backgroundColor;
      if (parts(ground)[3] !== 0) return ground;
    }
    return "rgb(255, 255, 255)";
  };
  const faint = [];
  for (const one of document.querySelectorAll("body *:not(svg *):not(option)")) {
    const says = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!says || !one.checkVisibility()) continue;
    const style = getComputedStyle(one);
    const [a, b] = [light(style.color), light(behind(one))].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5)) faint.push(`${one.className || one.tagName} ${ratio.toFixed(2)}: ${one.textContent.slice(0, 40)}`);
  }
  return faint;
})()"#;

/// What an assistive technology would miss.
const UNTOLD: &str = r#"(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const wrong = [];
  for (const field of all("input, select")) if (!field.labels.length) wrong.push(`no label: ${field.name}`);
  for (const table of all("table")) {
    if (!table.caption) wrong.push(`no caption: ${table.innerText.slice(0, 40)}`);
    for (const head of table.querySelectorAll("th")) if (!head.scope) wrong.push(`no scope: ${head.innerText}`);
  }
  for (const one of all("svg")) if (!one.getAttribute("aria-label")) wrong.push("a drawing without words");
  for (const one of all("[aria-labelledby]")) {
    if (!document.getElementById(one.getAttribute("aria-labelledby"))) wrong.push(`labelled by nothing: ${one.outerHTML.slice(0, 60)}`);
  }
  for (const link of all("a, button, summary")) if (!link.innerText.trim()) wrong.push(`empty: ${link.outerHTML}`);
  for (const link of all("a[href^='#']")) if (!document.querySelector(link.hash)) wrong.push(`leads nowhere: ${link.hash}`);
  const ids = all("[id]").map((one) => one.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push(`twice: ${id}`);
  let depth = 0;
  for (const head of all("h1, h2, h3, h4")) {
    const level = Number(head.tagName[1]);
    if (level > depth + 1 && depth > 0) wrong.push(`a level is left out before: ${head.innerText}`);
    depth = level;
  }
  if (all("h1").length !== 1 || all("main").length !== 1 || !document.documentElement.lang) wrong.push("no one heading, main part and language");
  return wrong;
})()"#;

const PAGES: [&str; 4] = ["", "?q=nobody&sort=-seen&status=gone", HOST, "hosts/nobody"];

#[test]
fn everything_can_be_read_in_light_and_in_dark() {
    let Some(mut case) = Case::example() else {
        return;
    };
    for scheme in ["light", "dark"] {
        case.browser.prefer(scheme);
        for page in PAGES {
            case.open(page);
            case.unfold();
            assert_eq!(case.browser.eval(FAINT), json!([]), "{scheme}: {page}");
        }
    }
}

#[test]
fn everything_is_told_to_who_does_not_see() {
    let Some(mut case) = Case::example() else {
        return;
    };
    for page in PAGES {
        case.open(page);
        case.unfold();
        assert_eq!(case.browser.eval(UNTOLD), json!([]), "{page}");
    }
}

#[test]
fn nothing_is_wider_than_a_screen_or_a_telephone() {
    let Some(mut case) = Case::example() else {
        return;
    };
    for width in [1280, 380, 320] {
        case.browser.narrow_to(width);
        for page in PAGES {
            case.open(page);
            case.unfold();
            let wide = case
                .browser
                .eval("[document.documentElement.scrollWidth, innerWidth]");
            assert_eq!(wide, json!([width, width]), "{page}");
        }
    }
    case.open("");
    // Its cells have the words of the columns, and it is a table still.
    let cell = "getComputedStyle(document.querySelector('table.hosts td'), '::before').content";
    assert_eq!(case.browser.eval(cell), "\"Vendor\"");
    assert_eq!(
        case.browser
            .eval("document.querySelectorAll('table.hosts [role=cell]').length"),
        72
    );
}

/// Paper is about as narrow as a telephone, and yet a table is what people want on it.
#[test]
fn on_paper_rows_stay_rows_and_what_is_folded_is_not_there() {
    let Some(mut case) = Case::example() else {
        return;
    };
    case.browser.narrow_to(718);
    case.browser.print();
    case.open("");
    for (what, expected) in [
        (
            "getComputedStyle(document.querySelector('.hosts thead')).display",
            "table-header-group",
        ),
        (
            "getComputedStyle(document.querySelector('.hosts tbody tr')).display",
            "table-row",
        ),
        (
            "getComputedStyle(document.querySelector('.hosts tbody tr')).breakInside",
            "avoid",
        ),
        (
            "getComputedStyle(document.querySelector('.hosts td'), '::before').content",
            "none",
        ),
        (
            "getComputedStyle(document.querySelector('.chart')).breakInside",
            "avoid",
        ),
        (
            "getComputedStyle(document.querySelector('details')).display",
            "none",
        ),
        (
            "getComputedStyle(document.querySelector('.controls')).display",
            "none",
        ),
    ] {
        assert_eq!(case.browser.eval(what), expected, "{what}");
    }
    let wide = case.browser.eval("document.documentElement.scrollWidth");
    assert_eq!(wide, 718);
}

#[test]
fn what_a_colour_tells_is_told_in_the_readers_colours_too() {
    let Some(mut case) = Case::example() else {
        return;
    };
    case.browser.force_colours();
    case.open("");
    let served = |selector: &str, property: &str| {
        format!("getComputedStyle(document.querySelector('{selector}'), '::before').{property}")
    };
    for key in ["transfer", "contact", "missing"] {
        let key = format!(".chart .key.{key}");
        let adjusted = case.browser.eval(&served(&key, "forcedColorAdjust"));
        assert_eq!(adjusted, "none", "{key}");
    }
    let bars = "getComputedStyle(document.querySelector('.chart rect')).forcedColorAdjust";
    assert_eq!(case.browser.eval(bars), "none");
    let dots = case.browser.eval(&served(".level.contact", "content"));
    assert_eq!(dots, "\"●●●○\" / \"\"");
    let edge = "getComputedStyle(document.querySelector('tr.straggler > th')).borderLeftWidth";
    assert_eq!(case.browser.eval(edge), "6px");
}

#[test]
fn the_keyboard_comes_to_the_content_first() {
    let Some(mut case) = Case::example() else {
        return;
    };
    case.open("");
    case.browser.press("Tab");
    assert_eq!(
        case.browser.eval("document.activeElement.className"),
        "skip"
    );
    let left = case
        .browser
        .eval("document.activeElement.getBoundingClientRect().left");
    assert_eq!(left, 0);
    case.browser.press("Enter");
    case.browser.wait_for("document.activeElement.id == 'main'");
    let mut stops = 0;
    loop {
        case.browser.press("Tab");
        // Behind the last stop is the browser itself.
        if case.browser.eval("document.activeElement == document.body") == json!(true) {
            break;
        }
        stops += 1;
        let seen = "getComputedStyle(document.activeElement).outlineStyle";
        let what = "document.activeElement.outerHTML";
        assert_ne!(
            case.browser.eval(seen),
            "none",
            "{}",
            case.browser.eval(what)
        );
    }
    assert!(stops > 30, "{stops}");
}
