use super::*;

fn one(line: &str) -> Action {
    Words::of(line).and_then(Words::statement).unwrap()
}

fn error(text: &str) -> String {
    parse(text).expect_err(text).to_string()
}

fn call(object: &str, method: &str, args: Vec<Expr>) -> Call {
    Call { object: object.to_owned(), method: method.to_owned(), args }
}

fn signal(object: &str, signal: &str) -> Event {
    Event::Signal { object: object.to_owned(), signal: signal.to_owned() }
}

#[test]
fn a_call_keeps_its_text() {
    let text = "connectToHost(\"127.0.0.1\",  p.port, ReadOnly|Text)";
    let names = Expr::Names(vec!["ReadOnly".to_owned(), "Text".to_owned()]);
    let args = vec![Expr::Text(b"127.0.0.1".to_vec()), Expr::Port("p".to_owned()), names];
    let call = call("c", "connectToHost", args);
    assert_eq!(one(&format!("c.{text}")), Action::Call { call, text: text.to_owned() });
}

#[test]
fn arguments_nest() {
    let inner = Expr::Call(call("d", "read", vec![Expr::Number(3)]));
    let Action::Call { call, .. } = one("c.write(d.read(3), repeat(\"ab\", 2))") else { panic!() };
    assert_eq!(call.args, [inner, Expr::Text(b"abab".to_vec())]);
}

#[test]
fn conditions() {
    let until = |line: &str| match one(line) {
        Action::RunUntil { condition, text, within } => {
            (Arc::into_inner(condition).unwrap(), text, within)
        }
        other => panic!("{other:?}"),
    };
    let (condition, text, within) = until("run until c.connected");
    assert_eq!(condition, Condition::Signal(signal("c", "connected")));
    assert_eq!((&*text, within), ("c.connected", DEFAULT_WITHIN));

    let (condition, text, within) = until("run until c.isOpen() within 20");
    assert_eq!(condition, Condition::True(call("c", "isOpen", vec![])));
    assert_eq!((&*text, within), ("c.isOpen()", 20));

    let (condition, text, _) = until("run until c.peek(3) == \"within\"");
    let value = Expr::Text(b"within".to_vec());
    let peek = call("c", "peek", vec![Expr::Number(3)]);
    let comparison = Comparison::Equal;
    assert_eq!(condition, Condition::Compare { call: peek, comparison, value });
    assert_eq!(text, "c.peek(3) == \"within\"");

    let (condition, ..) = until("run until c.bytesAvailable() >= -1 within 5");
    assert!(matches!(
        condition,
        Condition::Compare { comparison: Comparison::GreaterOrEqual, value: Expr::Number(-1), .. }
    ));
}

#[test]
fn objects_are_made_and_taken() {
    let options = vec![PeerOption::Ipv6, PeerOption::Full];
    let name = "p".to_owned();
    assert_eq!(
        one("peer p ipv6 full"),
        Action::Make { kind: KindName::Peer, name, options, thread: None }
    );
    let taken = call("s", "nextPendingConnection", vec![]);
    let name = "w".to_owned();
    let action = one("ssl w = s.nextPendingConnection()");
    assert_eq!(action, Action::Take { kind: KindName::Ssl, name, call: taken });
}

#[test]
fn the_other_statements() {
    assert_eq!(one("del c"), Action::Delete("c".to_owned()));
    assert_eq!(one("run for 30"), Action::RunFor(30));
    assert_eq!(one("sleep 5"), Action::Sleep(5));
    let action = one("meanwhile 100 p.close()");
    assert_eq!(action, Action::Meanwhile { delay: 100, call: call("p", "close", vec![]) });
    let (method, text) = ("setUser".to_owned(), "me".to_owned());
    assert_eq!(one("set arg2 setUser \"me\""), Action::Set { argument: 2, method, text });
}

#[test]
fn blocks_nest_and_comments_count_for_nothing() {
    let text = "# a comment\nglobal\n\non c.connected times 2\n  on slot A\n  # another\n\
         \x20   c.abort()\n  run for 5\ntcp d\n";
    let block = parse(text).unwrap();
    let lines: Vec<_> = block.iter().map(|statement| statement.line).collect();
    assert_eq!(lines, [2, 4, 9]);
    let Action::On { event, times: Some(2), block } = &block[1].action else { panic!() };
    assert_eq!(*event, signal("c", "connected"));
    let Action::On { event: Event::Slot(label), times: None, block: inner } = &block[0].action
    else {
        panic!()
    };
    assert_eq!((&**label, inner[0].line), ("A", 7));
    assert_eq!(block[1].line, 8);
}

#[test]
fn errors_know_their_line() {
    assert_eq!(error("tcp c\nc.abort("), "line 2: expected a value, found the end of the line");
    assert_eq!(error("tcp c\n\nrum for 3"), "line 3: no statement begins with `rum`");
    assert_eq!(error("on c.connected\nc.abort()"), "line 1: `on` without a block");
    assert_eq!(error("tcp c\n  c.abort()"), "line 2: indented without an `on` before it");
    let deep = "line 2: a block stands two spaces deeper than its `on`";
    assert_eq!(error("on c.connected\n    c.abort()"), deep);
    assert_eq!(error("on c.connected\n c.abort()"), deep);
    assert_eq!(error("on c.x\n  c.y()\n   c.z()"), "line 3: indented without an `on` before it");
    assert_eq!(error("tcp c\n\tc.abort()"), "line 2: lines are indented with spaces");
    assert_eq!(error("tcp c\nglobal"), "line 2: `global` is the first statement");
    assert_eq!(error("on c.x\n  global"), "line 2: `global` stands in no block");
}

#[test]
fn what_is_not_in_the_language_is_refused() {
    for line in [
        "c.abort",
        "c.abort() # comment",
        "c.read(1.5)",
        "c.read(1,)",
        "c.write(\"a\" \"b\")",
        "c.write(d.data)",
        "c.write(repeat(3, \"a\"))",
        "c.write(repeat(\"a\", -1))",
        "tcp c ipv6",
        "tcp c = d",
        "tcp c = 1",
        "tcp",
        "frob c",
        "peer p closed full",
        "peer p open",
        "udppeer p closed",
        "peer p = s.nextPendingConnection()",
        "run 5",
        "run for -5",
        "run for",
        "run until",
        "run until within 5",
        "run until c.connected within -1",
        "run until c.x() == d.y()",
        "run until c.x() = 1",
        "sleep",
        "on c",
        "on slot",
        "on c.x times",
        "on c.x time 1",
        "on c.x:",
        "meanwhile p.close()",
        "set arg0 setUser \"x\"",
        "set arg1 setUser x",
        "set arg1 setUser \"\\xff\"",
        "del",
        "del c.d",
        "del c d",
        "global yes",
    ] {
        assert!(Words::of(line).and_then(Words::statement).is_err(), "{line}");
    }
}

#[test]
fn every_scenario_here_can_be_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "scn") {
            let text = std::fs::read_to_string(&path).unwrap();
            parse(&text)
                .unwrap_or_else(|error| panic!("{}", error.of_file(&path.to_string_lossy())));
            count += 1;
        }
    }
    assert!(count > 0);
}
