//! Who may ask for, decide and end what accompanies a hazard. Pure: no IO, no clock.
//!
//! Every function answers the change, or every rule that stood in the way. Separation of duties is by person, over all
//! memberships.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use super::words::ExtensionStatus;
use crate::hazards::calendar::Calendar;
use crate::hazards::deadline::local_date;
use crate::hazards::marks::Marks;
use crate::hazards::rules::RectifyReach;
use crate::hazards::status::{Level, Refusal, Status};

#[cfg(test)]
mod tests;

/// Most extensions granted of one hazard, over all its rounds. Refused and withdrawn requests do not count.
pub const MAX_EXTENSIONS: i32 = 2;
/// Working days before the deadline by which a listed major has to ask for more time.
pub const LISTED_NOTICE_WORKING_DAYS: u32 = 15;
/// Working days within which a request for more time ought to be decided.
pub const DECISION_WORKING_DAYS: u32 = 3;
/// Working days within which another authority ought to reply, where nothing else is said.
pub const REPLY_WORKING_DAYS: u32 = 10;

/// What the decisions need to know of a hazard; all of it stands on its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Where it stands.
    pub status: Status,
    /// Its level.
    pub level: Level,
    /// A bureau role issued or regraded it.
    pub bureau_side: bool,
    /// Who issued it.
    pub issued_by: Option<Uuid>,
    /// Who puts it right.
    pub responsible_user_id: Option<Uuid>,
    /// Everybody who ever put it right.
    pub rectifiers: Vec<Uuid>,
    /// The deadline in force.
    pub due_at: Option<DateTime<Utc>>,
    /// What accompanies it already.
    pub marks: Marks,
}

/// How the right to decide extensions reaches this hazard, over all memberships.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExtendReach {
    /// Any: the bureau.
    pub any: bool,
    /// Those one has issued oneself: a supervisor.
    pub issued_by_them: bool,
    /// Those the school has issued: its principal.
    pub issued_by_the_school: bool,
}

/// What the caller may do over this very hazard, over all memberships.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hand {
    /// The person.
    pub user_id: Uuid,
    /// `hazard.respond`: ask for an extension, report progress.
    pub respond: bool,
    /// `hazard.rectify`: report progress.
    pub rectify: Option<RectifyReach>,
    /// `hazard.approve`: decide of majors, list, delist, lift a stop of use.
    pub approve: bool,
    /// `hazard.extend`: decide of general hazards.
    pub extend: ExtendReach,
    /// `hazard.refer`: refer, record the reply, stop the use.
    pub refer: bool,
}

/// What a client asked for, or every rule that stood in the way.
pub type Decision<T> = Result<T, Vec<Refusal>>;

/// The rules that stood in the way, gathered.
#[derive(Default)]
struct No(Vec<Refusal>);

impl No {
    fn when(mut self, stands: bool, refusal: Refusal) -> Self {
        if stands {
            self.0.push(refusal);
        }
        self
    }

    fn also(mut self, refusal: Option<Refusal>) -> Self {
        self.0.extend(refusal);
        self
    }

    fn or<T>(self, change: T) -> Decision<T> {
        if self.0.is_empty() { Ok(change) } else { Err(self.0) }
    }
}

/// A school asks for more time (延期): while the deadline runs and has not passed, of a listed major at least fifteen
/// working days ahead (the day of the request not counted, that of the deadline counted). Gives the new marks.
///
/// # Errors
/// Every rule that stood in the way.
pub fn ask_extension(
    standing: &Standing,
    hand: &Hand,
    now: DateTime<Utc>,
    zone: Tz,
    calendar: &Calendar,
) -> Decision<Marks> {
    let marks = standing.marks;
    let runs = standing.status.clock_runs();
    let due = standing.due_at.filter(|_| runs);
    let too_late = due.is_some_and(|due| due < now);
    let short = marks.listed
        && due.is_some_and(|due| {
            let earliest = calendar.add_working_days(local_date(now, zone), LISTED_NOTICE_WORKING_DAYS);
            local_date(due, zone) < earliest
        });
    No::default()
        .when(!runs, Refusal::WrongState)
        .when(!hand.respond, Refusal::NotPermitted)
        // A major without a plan on file: there is nothing to extend yet.
        .when(runs && due.is_none(), Refusal::NoDeadline)
        .when(too_late, Refusal::ExtensionTooLate)
        .when(short && !too_late, Refusal::NeedsFifteenWorkingDays)
        .when(marks.extensions >= MAX_EXTENSIONS, Refusal::ExtensionLimit)
        .when(marks.extension_pending, Refusal::ExtensionPending)
        .or(Marks { extension_pending: true, ..marks })
}

/// A request for more time, as far as its decision needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Who asked.
    pub by: Uuid,
    /// The new deadline asked for.
    pub due_at: DateTime<Utc>,
    /// Where the request stands.
    pub status: ExtensionStatus,
}

/// What a decision on more time changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extended {
    /// The new marks.
    pub marks: Marks,
    /// The new deadline, where it was granted. The original one never moves.
    pub due_at: Option<DateTime<Utc>>,
}

/// Decides a request for more time. It may be decided after the deadline has passed, since it came in time; not after the
/// hazard was reported done.
///
/// # Errors
/// Every rule that stood in the way.
pub fn decide_extension(standing: &Standing, hand: &Hand, asked: Asked, approve: bool) -> Decision<Extended> {
    let marks = standing.marks;
    let pending = asked.status == ExtensionStatus::Pending;
    let runs = standing.status.clock_runs();
    let settled = match asked.status {
        ExtensionStatus::Pending => None,
        ExtensionStatus::Withdrawn => Some(Refusal::ExtensionWithdrawn),
        ExtensionStatus::Granted | ExtensionStatus::Refused => Some(Refusal::AlreadyDecided),
    };
    let grants = approve && pending && runs;
    let no = No::default()
        .also(settled)
        .when(pending && !runs, Refusal::WrongState)
        .also(may_decide(standing, hand))
        .when(asked.by == hand.user_id, Refusal::SamePerson)
        .when(grants && marks.extensions >= MAX_EXTENSIONS, Refusal::ExtensionLimit)
        .when(grants && standing.due_at.is_none(), Refusal::NoDeadline)
        // Somebody has meanwhile given more time than was asked for: agreeing would take it away.
        .when(grants && standing.due_at.is_some_and(|due| due >= asked.due_at), Refusal::DeadlineMoved);
    let after = Marks { extension_pending: false, ..marks };
    no.or(if approve {
        Extended {
            marks: Marks { extensions: marks.extensions.saturating_add(1), ..after },
            due_at: Some(asked.due_at),
        }
    } else {
        Extended { marks: after, due_at: None }
    })
}

/// A leader for majors; else the bureau, the supervisor who issued it, the principal of a school that issued it.
fn may_decide(standing: &Standing, hand: &Hand) -> Option<Refusal> {
    let reach = hand.extend;
    if standing.level == Level::Major {
        return (!hand.approve).then_some(Refusal::NeedsLeader);
    }
    let by_the_school = standing.issued_by.is_some() && !standing.bureau_side;
    let permitted = reach.any
        || (reach.issued_by_them && standing.issued_by == Some(hand.user_id))
        || (reach.issued_by_the_school && by_the_school);
    if permitted {
        return None;
    }
    Some(match reach {
        ExtendReach { issued_by_them: true, .. } => Refusal::NotTheIssuer,
        ExtendReach { issued_by_the_school: true, .. } => Refusal::NeedsBureau,
        ExtendReach { .. } => Refusal::NotPermitted,
    })
}

/// A leader puts an open major that was issued under supervised listing. Gives the new marks.
///
/// # Errors
/// Every rule that stood in the way.
pub fn list(standing: &Standing, hand: &Hand) -> Decision<Marks> {
    let marks = standing.marks;
    No::default()
        .when(!standing.status.is_open() || standing.status == Status::Registered, Refusal::WrongState)
        .when(!hand.approve, Refusal::NeedsLeader)
        .when(standing.level != Level::Major, Refusal::NotMajor)
        .when(marks.listed, Refusal::AlreadyListed)
        .or(Marks { listed: true, ..marks })
}

/// A leader takes a hazard off the list, after its acceptance: it is closed (or was a mistake, and is void). Nobody who
/// put it right does. Gives the new marks.
///
/// # Errors
/// Every rule that stood in the way.
pub fn delist(standing: &Standing, hand: &Hand) -> Decision<Marks> {
    let marks = standing.marks;
    No::default()
        .when(!marks.listed, Refusal::NotListed)
        .when(marks.listed && standing.status.is_open(), Refusal::NotClosed)
        .when(!hand.approve, Refusal::NeedsLeader)
        .when(standing.rectifiers.contains(&hand.user_id), Refusal::SamePerson)
        .or(Marks { listed: false, ..marks })
}

/// The school reports how an open major comes on.
///
/// # Errors
/// Every rule that stood in the way.
pub fn report_progress(standing: &Standing, hand: &Hand) -> Decision<()> {
    let assigned = standing.responsible_user_id == Some(hand.user_id);
    let permitted = hand.respond
        || match hand.rectify {
            Some(RectifyReach::Any) => true,
            Some(RectifyReach::Assigned) => assigned,
            None => false,
        };
    No::default()
        .when(!standing.status.is_open() || standing.status == Status::Registered, Refusal::WrongState)
        .when(!permitted, Refusal::NotPermitted)
        .when(standing.level != Level::Major, Refusal::NotMajor)
        .or(())
}

/// The bureau stops the use of something (停用) while the hazard is open, in whatever state. Gives the new marks.
///
/// # Errors
/// Every rule that stood in the way.
pub fn suspend(standing: &Standing, hand: &Hand) -> Decision<Marks> {
    let marks = standing.marks;
    No::default()
        .when(!standing.status.is_open(), Refusal::WrongState)
        .when(!hand.refer, Refusal::NotPermitted)
        .when(marks.suspended, Refusal::AlreadySuspended)
        .or(Marks { suspended: true, ..marks })
}

/// A leader lifts a stop of use; of a major not before it is closed, and nobody who put it right does. Gives the new
/// marks.
///
/// # Errors
/// Every rule that stood in the way.
pub fn lift(standing: &Standing, hand: &Hand) -> Decision<Marks> {
    let marks = standing.marks;
    let open_major = standing.level == Level::Major && standing.status.is_open();
    No::default()
        .when(!marks.suspended, Refusal::NotSuspended)
        .when(marks.suspended && open_major, Refusal::NotClosed)
        .when(!hand.approve, Refusal::NeedsLeader)
        .when(standing.rectifiers.contains(&hand.user_id), Refusal::SamePerson)
        .or(Marks { suspended: false, ..marks })
}

/// The bureau refers an open hazard to another authority; it stays open and visible. Gives the new marks.
///
/// # Errors
/// Every rule that stood in the way.
pub fn refer(standing: &Standing, hand: &Hand) -> Decision<Marks> {
    let marks = standing.marks;
    No::default()
        .when(!standing.status.is_open(), Refusal::WrongState)
        .when(!hand.refer, Refusal::NotPermitted)
        .or(Marks { awaiting_reply: marks.awaiting_reply.saturating_add(1), ..marks })
}

/// The bureau records the reply of the other authority, once, whatever has become of the hazard. Gives the new marks.
///
/// # Errors
/// Every rule that stood in the way.
pub fn reply(standing: &Standing, hand: &Hand, replied: bool) -> Decision<Marks> {
    let marks = standing.marks;
    No::default()
        .when(!hand.refer, Refusal::NotPermitted)
        .when(replied, Refusal::AlreadyReplied)
        .or(Marks { awaiting_reply: marks.awaiting_reply.saturating_sub(1).max(0), ..marks })
}
