fn greeting() -> &'static str {
    if cfg!(feature = "loud") { "LOUD" } else { "quiet" }
}

fn main() {
    println!("{}, {}", greeting(), file!());
}

#[test]
fn is_loud() {
    assert_eq!(greeting(), "LOUD");
}
