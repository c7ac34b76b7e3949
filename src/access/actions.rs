//! What handlers do. Each action is a type that names the permissions any of which opens the function; how far it
//! then reaches is the scope of the permission that the handler asks for.

use super::policy::Permission;

/// A function of the API.
pub trait Action: Send + Sync + 'static {
    /// Any of these lets a caller in; none at all means everybody signed in.
    const ANY_OF: &'static [Permission];
    /// Whether somebody with a one-time password may use it.
    const WITH_ONE_TIME_PASSWORD: bool = false;
}

macro_rules! actions {
    ($($module:ident { $($(#[$meta:meta])* $name:ident = [$($permission:ident),*] $(, $early:literal)?;)+ })+) => {
        $(
            #[doc = concat!("Actions on `", stringify!($module), "`.")]
            pub mod $module {
                use super::{Action, Permission};
                $(
                    $(#[$meta])*
                    #[derive(Debug)]
                    pub struct $name;
                    impl Action for $name {
                        const ANY_OF: &'static [Permission] = &[$(Permission::$permission),*];
                        $(const WITH_ONE_TIME_PASSWORD: bool = $early;)?
                    }
                )+
            }
        )+
    };
}

actions! {
    account {
        /// One's own account, sessions and password.
        Own = [], true;
    }
    org {
        /// Seeing organisations and sites.
        Read = [OrgRead];
        /// Making and changing organisations.
        Manage = [OrgManage];
        /// Making and changing sites.
        Site = [SiteManage];
    }
    user {
        /// Naming people.
        Lookup = [UserLookup];
        /// Seeing accounts.
        Read = [UserRead];
        /// Making, changing and disabling accounts.
        Manage = [UserManage];
    }
    catalogue {
        /// Seeing categories, domains and checklists.
        Read = [CatalogueRead];
        /// Changing them.
        Manage = [CatalogueManage];
    }
    policy {
        /// Seeing deadlines and the calendar.
        Read = [PolicyRead];
        /// Changing them.
        Manage = [PolicyManage];
    }
    inspection {
        /// Seeing inspections and answers.
        Read = [InspectionRead];
        /// Creating and editing before check-in.
        Plan = [InspectionPlan];
        /// Check-in, answers, submit.
        Perform = [InspectionPerform];
        /// The school's signature, or the record that it was refused.
        Acknowledge = [InspectionAcknowledge, InspectionPerform];
        /// Confirming.
        Confirm = [InspectionConfirm];
        /// Letting somebody sign for the school, and taking it back.
        Delegate = [InspectionAcknowledge];
        /// Seeing who may sign for a school.
        Delegations = [InspectionAcknowledge, InspectionConfirm];
        /// Voiding: before check-in by who plans, later by the bureau.
        Void = [InspectionVoid, InspectionPlan];
    }
    hazard {
        /// Seeing hazards and their history.
        Read = [HazardRead];
        /// Reporting one.
        Report = [HazardReport];
        /// Changing texts and place.
        Edit = [HazardEdit];
        /// Any change of state; the action then takes its own scope.
        Transition = [
            HazardIssue, HazardRespond, HazardRectify, HazardRecheck, HazardReopen, HazardApprove, HazardVoid
        ];
        /// Asking for more time.
        Respond = [HazardRespond];
        /// Deciding on it: of general hazards, of majors.
        Extend = [HazardExtend, HazardApprove];
        /// Listing, delisting, lifting a stop of use.
        Approve = [HazardApprove];
        /// Reporting progress.
        Progress = [HazardRectify, HazardRespond];
        /// Referral, reply, stop of use.
        Refer = [HazardRefer];
        /// Commenting.
        Comment = [HazardComment];
    }
    evidence {
        /// Declaring it and sending its content, with the record it belongs to.
        Send = [InspectionPerform, HazardReport, HazardRespond, HazardRectify, HazardRecheck];
        /// Seeing it, with the record it belongs to.
        Read = [InspectionRead, HazardRead];
        /// As it was received: who may, and each the files one handed in oneself.
        Original = [EvidenceOriginal, InspectionRead, HazardRead];
    }
    notice {
        /// One's own inbox.
        Read = [NoticeRead];
    }
    ledger {
        /// The ledgers as files; which rows is settled by the right to read hazards as well.
        Export = [Export];
    }
    report {
        /// Figures.
        Read = [ReportRead];
        /// Pointing something out that others judge: hints and suggestions.
        Send = [HazardReport];
        /// Seeing reports: who triages, and each reporter the own ones.
        See = [ReportTriage, HazardReport];
        /// Judging them, and their history.
        Triage = [ReportTriage];
        /// Who reported; whoever triages learns at least that it is sealed.
        Reveal = [ReporterReveal, ReportTriage];
    }
    recusal {
        /// Seeing who must not inspect which school.
        Read = [RecusalRead];
        /// Declaring and ending.
        Manage = [RecusalManage];
        /// Asking for an exception and approving one.
        Override = [RecusalOverride];
    }
    document {
        /// Seeing documents.
        Read = [DocumentRead];
        /// Issuing one; each type then takes its own rights.
        Issue = [DocumentIssue];
        /// Declaring one void.
        Void = [DocumentVoid];
    }
    draw {
        /// Seeing draws.
        Read = [DrawRead];
        /// Freezing, committing, revealing, drawing.
        Manage = [DrawManage];
    }
    sync {
        /// Handing in and fetching what was done offline.
        Use = [Sync];
    }
    month {
        /// A school's monthly report.
        Submit = [MonthSubmit];
        /// Opening a locked month of a school.
        Unlock = [MonthUnlock];
    }
}
