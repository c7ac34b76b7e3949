use chrono::{Duration, NaiveDate};
use chrono_tz::Asia::Shanghai;
use proptest::prelude::*;

use super::*;

fn person(n: u8) -> Uuid {
    Uuid::from_u128(u128::from(n) + 1)
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Two officers, a principal, a supervisor, an office, a leader; and a leader who is the school's principal as well.
fn hand(n: u8) -> Hand {
    let nobody = Hand {
        user_id: person(n),
        respond: false,
        rectify: None,
        approve: false,
        extend: ExtendReach::default(),
        refer: false,
    };
    let school = Hand { respond: true, rectify: Some(RectifyReach::Any), ..nobody };
    let principal = ExtendReach { issued_by_the_school: true, ..ExtendReach::default() };
    let bureau = ExtendReach { any: true, ..ExtendReach::default() };
    match n {
        0 | 1 => school,
        2 => Hand { extend: principal, ..school },
        3 => Hand { extend: ExtendReach { issued_by_them: true, ..ExtendReach::default() }, ..nobody },
        4 => Hand { extend: bureau, refer: true, ..nobody },
        5 => Hand { extend: bureau, refer: true, approve: true, ..nobody },
        _ => Hand {
            extend: ExtendReach { issued_by_the_school: true, any: true, ..ExtendReach::default() },
            refer: true,
            approve: true,
            ..school
        },
    }
}

const PEOPLE: u8 = 7;

fn standing(level: Level, bureau_side: bool) -> Standing {
    Standing {
        status: Status::Rectifying,
        level,
        bureau_side,
        issued_by: Some(person(if bureau_side { 3 } else { 0 })),
        responsible_user_id: None,
        rectifiers: Vec::new(),
        due_at: Some(at("2026-03-20T15:59:59Z")),
        marks: Marks::default(),
    }
}

fn ask(standing: &Standing, who: u8, now: DateTime<Utc>) -> Decision<Marks> {
    ask_extension(standing, &hand(who), now, Shanghai, &Calendar::default())
}

#[test]
fn the_clock_decides_when_more_time_can_be_asked_for() {
    let due = at("2026-03-20T15:59:59Z");
    let mut facts = standing(Level::General, true);
    assert!(ask(&facts, 0, due).is_ok());
    assert_eq!(ask(&facts, 0, due + Duration::microseconds(1)), Err(vec![Refusal::ExtensionTooLate]));
    facts.status = Status::AwaitingRecheck;
    assert_eq!(ask(&facts, 4, due), Err(vec![Refusal::WrongState, Refusal::NotPermitted]));
    facts.status = Status::Issued;
    facts.due_at = None;
    assert_eq!(ask(&facts, 0, due), Err(vec![Refusal::NoDeadline]));
}

#[test]
fn a_listed_major_asks_fifteen_working_days_ahead_by_the_calendar_with_its_make_up_days() {
    let mut facts = standing(Level::Major, true);
    facts.marks.listed = true;
    // Fifteen working days after Monday 2 March end on Monday the 23rd.
    facts.due_at = Some(at("2026-03-23T02:00:00Z"));
    let plain = Calendar::default();
    // Both days off in the week are made up for on a Saturday: counted with them, the 23rd is as far as before.
    let make_up = Calendar::new([2026], [day("2026-03-10")], [day("2026-03-14")]);
    let holiday = Calendar::new([2026], [day("2026-03-10")], []);
    let asks = |now: &str, calendar: &Calendar| {
        ask_extension(&facts, &hand(0), at(now), Shanghai, calendar).map(|marks| marks.extension_pending)
    };
    let short = Err(vec![Refusal::NeedsFifteenWorkingDays]);
    assert_eq!(asks("2026-03-02T10:00:00Z", &plain), Ok(true));
    assert_eq!(asks("2026-03-02T16:00:00Z", &plain), short, "it is the 3rd in Shanghai");
    assert_eq!(asks("2026-03-02T10:00:00Z", &holiday), short);
    assert_eq!(asks("2026-03-02T10:00:00Z", &make_up), Ok(true));
    let unlisted = Standing { marks: Marks::default(), ..facts.clone() };
    assert!(ask_extension(&unlisted, &hand(0), at("2026-03-20T10:00:00Z"), Shanghai, &plain).is_ok());
    // Too late is too late: one reason, not two.
    assert_eq!(asks("2026-04-01T10:00:00Z", &plain), Err(vec![Refusal::ExtensionTooLate]));
}

#[test]
fn each_decides_what_is_theirs() {
    use Level::{General, Major};
    let decided = |level, bureau_side, who: u8| {
        let facts = standing(level, bureau_side);
        let asked = Asked { by: person(1), due_at: at("2026-04-20T00:00:00Z"), status: ExtensionStatus::Pending };
        decide_extension(&facts, &hand(who), asked, true).err().unwrap_or_default()
    };
    assert_eq!(decided(General, true, 2), [Refusal::NeedsBureau]);
    assert_eq!(decided(General, true, 3), []);
    assert_eq!(decided(General, true, 4), []);
    assert_eq!(decided(General, false, 2), []);
    assert_eq!(decided(General, false, 3), [Refusal::NotTheIssuer]);
    assert_eq!(decided(General, false, 4), []);
    assert_eq!(decided(General, false, 1), [Refusal::NotPermitted, Refusal::SamePerson]);
    assert_eq!(decided(Major, true, 4), [Refusal::NeedsLeader]);
    assert_eq!(decided(Major, true, 5), []);
}

#[test]
fn what_has_lapsed_or_is_overtaken_is_not_agreed_to() {
    let facts = standing(Level::General, true);
    let asked = |status| Asked { by: person(0), due_at: at("2026-04-20T00:00:00Z"), status };
    let no = |facts: &Standing, status, approve| decide_extension(facts, &hand(4), asked(status), approve).err();
    assert_eq!(no(&facts, ExtensionStatus::Granted, true), Some(vec![Refusal::AlreadyDecided]));
    assert_eq!(no(&facts, ExtensionStatus::Withdrawn, true), Some(vec![Refusal::ExtensionWithdrawn]));
    let done = Standing { status: Status::AwaitingRecheck, ..facts.clone() };
    assert_eq!(no(&done, ExtensionStatus::Pending, true), Some(vec![Refusal::WrongState]));
    let moved = Standing { due_at: Some(at("2026-04-20T00:00:00Z")), ..facts.clone() };
    assert_eq!(no(&moved, ExtensionStatus::Pending, true), Some(vec![Refusal::DeadlineMoved]));
    assert_eq!(no(&moved, ExtensionStatus::Pending, false), None);
    let planless = Standing { due_at: None, ..facts };
    assert_eq!(no(&planless, ExtensionStatus::Pending, true), Some(vec![Refusal::NoDeadline]));
}

#[test]
fn a_major_is_delisted_and_in_use_again_only_when_closed_and_by_a_leader_who_did_not_put_it_right() {
    let mut facts = standing(Level::Major, true);
    facts.marks = Marks { listed: true, suspended: true, ..Marks::default() };
    assert_eq!(delist(&facts, &hand(4)), Err(vec![Refusal::NotClosed, Refusal::NeedsLeader]));
    assert_eq!(lift(&facts, &hand(5)), Err(vec![Refusal::NotClosed]));
    facts.status = Status::Closed;
    facts.rectifiers = vec![person(6)];
    assert_eq!(delist(&facts, &hand(6)), Err(vec![Refusal::SamePerson]));
    assert_eq!(lift(&facts, &hand(6)), Err(vec![Refusal::SamePerson]));
    assert!(!delist(&facts, &hand(5)).unwrap().listed && !lift(&facts, &hand(5)).unwrap().suspended);
    let general = Standing { level: Level::General, status: Status::Issued, ..facts };
    assert!(lift(&general, &hand(5)).is_ok());
}

/// What somebody tries next.
#[derive(Debug, Clone, Copy)]
enum Try {
    Ask { days: i64 },
    Decide { approve: bool },
    List,
    Delist,
    Progress,
    Suspend,
    Lift,
    Refer,
    Reply,
    Wait { hours: i64 },
    Stand(Status),
}

fn tries() -> impl Strategy<Value = Vec<(u8, Try)>> {
    let one = prop_oneof![
        3 => (1_i64..60).prop_map(|days| Try::Ask { days }),
        3 => any::<bool>().prop_map(|approve| Try::Decide { approve }),
        1 => Just(Try::List),
        1 => Just(Try::Delist),
        1 => Just(Try::Progress),
        1 => Just(Try::Suspend),
        1 => Just(Try::Lift),
        1 => Just(Try::Refer),
        1 => Just(Try::Reply),
        2 => (1_i64..72).prop_map(|hours| Try::Wait { hours }),
        1 => proptest::sample::select(Status::ALL).prop_map(Try::Stand),
    ];
    proptest::collection::vec((0..PEOPLE, one), 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_people_try_the_promises_hold(major: bool, bureau_side: bool, tries in tries()) {
        let level = if major { Level::Major } else { Level::General };
        let mut facts = standing(level, bureau_side || major);
        facts.rectifiers = vec![person(6)];
        let original = facts.due_at;
        let (mut now, mut asked, mut granted, mut open) = (at("2026-02-02T00:00:00Z"), None, 0, 0);
        for (who, attempt) in tries {
            let hand = hand(who);
            let before = facts.clone();
            match attempt {
                Try::Wait { hours } => now += Duration::hours(hours),
                Try::Stand(status) => facts.status = status,
                Try::Ask { days } => {
                    let Ok(marks) = ask(&facts, who, now) else { continue };
                    prop_assert!(asked.is_none() && hand.respond && facts.status.clock_runs());
                    prop_assert!(facts.due_at.unwrap() >= now && granted < 2);
                    asked = Some(Asked {
                        by: hand.user_id,
                        due_at: facts.due_at.unwrap() + Duration::days(days),
                        status: ExtensionStatus::Pending,
                    });
                    facts.marks = marks;
                }
                Try::Decide { approve } => {
                    let Some(request) = asked else { continue };
                    let Ok(done) = decide_extension(&facts, &hand, request, approve) else { continue };
                    prop_assert!(request.by != hand.user_id, "decided one's own request");
                    prop_assert!(!major || hand.approve);
                    prop_assert!(hand.extend.any || hand.extend.issued_by_them == facts.bureau_side);
                    prop_assert_eq!(done.due_at.is_some(), approve);
                    granted += i32::from(approve);
                    facts.marks = done.marks;
                    if let Some(due) = done.due_at {
                        prop_assert!(Some(due) > facts.due_at, "an extension shortened the deadline");
                        facts.due_at = Some(due);
                    }
                    asked = None;
                }
                Try::List => {
                    let Ok(marks) = list(&facts, &hand) else { continue };
                    prop_assert!(major && hand.approve && facts.status.is_open() && !facts.marks.listed);
                    facts.marks = marks;
                }
                Try::Delist => {
                    let Ok(marks) = delist(&facts, &hand) else { continue };
                    prop_assert!(!facts.status.is_open() && facts.marks.listed && who == 5);
                    facts.marks = marks;
                }
                Try::Progress => {
                    let done = report_progress(&facts, &hand).is_ok();
                    prop_assert!(!done || (major && facts.status.is_open() && hand.respond));
                }
                Try::Suspend => {
                    let Ok(marks) = suspend(&facts, &hand) else { continue };
                    prop_assert!(hand.refer && !facts.marks.suspended && facts.status.is_open());
                    facts.marks = marks;
                }
                Try::Lift => {
                    let Ok(marks) = lift(&facts, &hand) else { continue };
                    prop_assert!(who == 5 && facts.marks.suspended && !(major && facts.status.is_open()));
                    facts.marks = marks;
                }
                Try::Refer => {
                    let Ok(marks) = refer(&facts, &hand) else { continue };
                    open += 1;
                    facts.marks = marks;
                }
                Try::Reply => {
                    let Ok(marks) = reply(&facts, &hand, open == 0) else { continue };
                    prop_assert!(open > 0);
                    open -= 1;
                    facts.marks = marks;
                }
            }
            prop_assert!(granted <= MAX_EXTENSIONS && facts.marks.extensions == granted);
            prop_assert_eq!(facts.marks.extension_pending, asked.is_some());
            prop_assert_eq!(facts.marks.awaiting_reply, open);
            prop_assert!(facts.due_at >= original);
            let grants = matches!(attempt, Try::Decide { approve: true });
            prop_assert!(before.due_at == facts.due_at || grants);
        }
    }
}
