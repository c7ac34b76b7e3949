//! Every refusal of the API is a [`Problem`] (RFC 9457) whose [`Code`] stands in the one table below.
//!
//! Functions of the domain return `Result<T, Problem>`. A problem carries two messages: `detail` for the caller and
//! `cause` for the log; the cause never leaves the process. Words follow `Accept-Language` when the answer is
//! written, in [`crate::platform::http::problem`].

use serde_json::Value;

use super::http::fields::FieldError;

macro_rules! codes {
    ($($(#[$meta:meta])* $variant:ident = $code:literal, $status:literal, $zh:literal, $en:literal;)+) => {
        /// Stable, language-free names of refusals.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$meta])* $variant),+ }

        impl Code {
            /// All codes, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The name in `code` and at the end of `type`.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $(Self::$variant => $code),+ } }
            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 { match self { $(Self::$variant => $status),+ } }
            /// The title in Chinese and English.
            #[must_use]
            pub const fn title(self) -> (&'static str, &'static str) { match self { $(Self::$variant => ($zh, $en)),+ } }
        }
    };
}

codes! {
    /// The body is not JSON, or not of the expected shape.
    MalformedBody = "malformed_body", 400, "请求体无法读取", "The body cannot be read";
    /// A query parameter nobody knows, or one given twice.
    UnknownParameter = "unknown_parameter", 400, "未知或重复的查询参数", "Unknown or repeated query parameter";
    /// A query parameter, path segment or header of the wrong form.
    InvalidParameter = "invalid_parameter", 400, "参数格式不正确", "A parameter has the wrong form";
    /// A cursor that this server did not make for this query and caller.
    InvalidCursor = "invalid_cursor", 400, "游标无效", "The cursor is not valid";
    /// No token, or one that is not valid any more.
    Unauthenticated = "unauthenticated", 401, "未登录或登录已失效", "Sign in first";
    /// Unknown user, wrong password, disabled or locked: one answer for all.
    InvalidCredentials = "invalid_credentials", 401, "用户名或密码不正确", "User name or password is wrong";
    /// A function this caller never has.
    Forbidden = "forbidden", 403, "没有使用此功能的权限", "This function is not yours";
    /// Who reported is known to designated people of the bureau alone.
    ReporterSealed = "reporter_sealed", 403, "举报人信息已封存", "Who reported is sealed";
    /// The account is disabled; what its device still holds is kept for people to see.
    AccountDisabled = "account_disabled", 403, "账号已停用", "The account is disabled";
    /// Handed in with the device's credential alone: somebody has to sign in for it to count.
    NeedsSignIn = "needs_sign_in", 403, "须登录后办理", "Somebody has to sign in for it";
    /// The one-time password must be changed first.
    PasswordChangeRequired = "password_change_required", 403, "须先修改密码", "Change the password first";
    /// Absent, or out of sight: the same bytes.
    NotFound = "not_found", 404, "不存在", "Not found";
    /// Another method is meant.
    MethodNotAllowed = "method_not_allowed", 405, "不支持的请求方法", "Method not allowed";
    /// The body did not arrive in time.
    RequestTimeout = "request_timeout", 408, "请求超时", "The request took too long";
    /// The id belongs to another record.
    IdReused = "id_reused", 409, "编号已被使用", "The id is already used";
    /// The same Idempotency-Key is still being worked on.
    IdempotencyInProgress = "idempotency_in_progress", 409, "相同请求正在处理", "The same request is still running";
    /// A state change that the rules refuse; `errors` names each rule.
    TransitionNotAllowed = "transition_not_allowed", 409, "当前状态不允许此操作", "The transition is not allowed";
    /// The record's state does not allow it.
    StateConflict = "state_conflict", 409, "当前状态不允许此操作", "The state does not allow this";
    /// The user name is taken.
    UsernameTaken = "username_taken", 409, "用户名已存在", "The user name is taken";
    /// An organisation of this bureau has the name already.
    NameTaken = "name_taken", 409, "名称已存在", "The name is taken";
    /// A school of this bureau has the identifier already.
    IdentifierTaken = "identifier_taken", 409, "标识码已存在", "The identifier is taken";
    /// A site of this bureau has the code already.
    SiteCodeTaken = "site_code_taken", 409, "点位编码已存在", "The site code is taken";
    /// A bureau with this region code exists.
    RegionCodeTaken = "region_code_taken", 409, "行政区划代码已存在", "The region code is taken";
    /// The reporter left no contact.
    NoContact = "no_contact", 409, "举报人未留联系方式", "The reporter left no contact";
    /// The month is locked for this school; the safety office may open it.
    MonthLocked = "month_locked", 409, "该月份已锁定", "The month is locked";
    /// The month of a school that is still open needs no unlocking.
    MonthOpen = "month_open", 409, "该月份尚未锁定", "The month is still open";
    /// The school has reported the month already; `current` is the report.
    MonthReported = "month_reported", 409, "该月份已报送", "The month is already reported";
    /// Nothing found, says the report; the ledger has hazards of that month.
    ContradictsLedger = "contradicts_ledger", 409, "与隐患台账不符", "The report contradicts the ledger";
    /// Something found, says the report; neither the ledger nor the report has any of it.
    NothingToReport = "nothing_to_report", 409, "没有可报送的隐患，请作零报告", "There is nothing to report but nothing found";
    /// A listing or document of this bureau has the document number already.
    NumberTaken = "number_taken", 409, "文号已使用", "The document number is taken";
    /// Declared, but its content has not arrived.
    ContentAwaited = "content_awaited", 409, "内容尚未上传", "The content has not arrived";
    /// Files of this type are kept and not decoded: there is the sealed original alone.
    NoDisplayVersion = "no_display_version", 409, "该类型文件仅存原件", "There is only the sealed original";
    /// The server was restored from a backup since; `current` names the new epoch.
    EpochChanged = "epoch_changed", 409, "服务器已从备份恢复", "The server was restored from a backup";
    /// The operation's id came before with another body.
    OpReused = "op_reused", 409, "操作编号已用于其他内容", "The operation's id was used with another body";
    /// Another operation of the same group was refused.
    GroupRefused = "group_refused", 409, "同组操作未能执行", "Another operation of the group was refused";
    /// If-Match names an older version; `current` is the record as it is.
    VersionConflict = "version_conflict", 412, "记录已被他人修改", "The record has changed meanwhile";
    /// If-Match is missing.
    PreconditionRequired = "precondition_required", 428, "须提供 If-Match", "If-Match is required";
    /// Another version of tus, or none.
    UnsupportedTusVersion = "unsupported_tus_version", 412, "不支持的 tus 版本", "This version of tus is not spoken";
    /// The upload has expired, or what arrived of it is not on this machine: begin a new one.
    UploadGone = "upload_gone", 410, "上传已失效，请重新开始", "The upload is gone; begin a new one";
    /// Another request is writing this upload.
    UploadBusy = "upload_busy", 423, "该上传正在进行", "The upload is being written";
    /// Upload-Offset is not where the upload is; HEAD tells it.
    OffsetConflict = "offset_conflict", 409, "Upload-Offset 与服务器不一致", "Upload-Offset is not where the upload is";
    /// A piece does not have its Upload-Checksum; it was discarded.
    ChecksumMismatch = "checksum_mismatch", 460, "校验和不符，该分片已丢弃", "The checksum does not match; the piece was discarded";
    /// Too many uploads are under way; finish or end some.
    TooManyUploads = "too_many_uploads", 429, "未完成的上传过多", "Too many uploads are under way";
    /// So much of one person has arrived today that no more is taken before tomorrow.
    EvidenceQuota = "evidence_quota", 429, "今日上传已达上限", "No more is taken of you today";
    /// The body is larger than allowed.
    BodyTooLarge = "body_too_large", 413, "请求体过大", "The body is too large";
    /// The address is longer than allowed.
    UriTooLong = "uri_too_long", 414, "请求地址过长", "The address is too long";
    /// A media type or content encoding that is not accepted here.
    UnsupportedMediaType = "unsupported_media_type", 415, "不支持的媒体类型", "Unsupported media type";
    /// Understood, but not valid; `errors` names every field.
    ValidationFailed = "validation_failed", 422, "内容不符合要求", "The content is not valid";
    /// The content is not what was declared; `errors` names hash and length of both.
    WrongHash = "wrong_hash", 422, "内容与声明不符", "The content is not what was declared";
    /// A file that is not taken; `errors` says why.
    ContentRefused = "content_refused", 422, "文件不被接受", "The file is not accepted";
    /// An operation of a kind this server does not know.
    UnknownKind = "unknown_kind", 422, "未知的操作类型", "The kind of operation is not known";
    /// An operation of a later protocol than this server's.
    SchemaTooNew = "schema_too_new", 422, "操作的协议版本高于服务器", "The operation is of a later protocol";
    /// The Idempotency-Key was used with another body.
    IdempotencyKeyReused = "idempotency_key_reused", 422, "幂等键已用于其他内容", "The key was used with another body";
    /// Too many calls from this address, or for this school; `Retry-After` says when there is room again.
    TooManyRequests = "too_many_requests", 429, "请求过于频繁", "Too many requests";
    /// A fault of this server.
    Internal = "internal", 500, "服务器内部错误", "Internal error";
    /// A full queue.
    Overloaded = "overloaded", 503, "服务器繁忙", "The server is busy";
    /// The database cannot be reached or refuses to work.
    Unavailable = "unavailable", 503, "服务暂不可用", "The service is not available";
    /// The disk is full; nothing was stored.
    NoSpace = "no_space", 507, "存储空间不足", "No space left";
}

/// A refusal, as the caller and the log get it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}: {}", code.as_str(), cause.as_deref().unwrap_or(detail.1.as_str()))]
pub struct Problem {
    /// Which refusal.
    pub code: Code,
    /// What exactly, in Chinese and English; empty where the title says it all.
    pub detail: (String, String),
    /// Every field or rule that stood in the way.
    pub errors: Vec<FieldError>,
    /// The record as it is now, where that helps and may be seen.
    pub current: Option<Value>,
    /// What would be allowed instead.
    pub allowed_actions: Option<Value>,
    /// What would be refused as well, and why.
    pub refused_actions: Option<Value>,
    /// Seconds after which to try again.
    pub retry_after: Option<u32>,
    /// The methods this path knows, for 405.
    pub allow: Option<String>,
    /// For the log only.
    pub cause: Option<String>,
    /// The connection or the whole batch is lost with it.
    pub(crate) fatal: bool,
    /// Rows clashed with another transaction; run the job again.
    pub(crate) retry: bool,
}

impl Problem {
    /// A bare refusal.
    #[must_use]
    pub fn new(code: Code) -> Self {
        let retry_after = match code {
            Code::Overloaded | Code::Unavailable | Code::IdempotencyInProgress => Some(1),
            Code::UploadBusy => Some(2),
            Code::NoSpace => Some(60),
            _ => None,
        };
        Self {
            code,
            detail: (String::new(), String::new()),
            errors: Vec::new(),
            current: None,
            allowed_actions: None,
            refused_actions: None,
            retry_after,
            allow: None,
            cause: None,
            fatal: false,
            retry: false,
        }
    }

    /// Adds what exactly, in Chinese and English.
    #[must_use]
    pub fn detail(mut self, zh: impl Into<String>, en: impl Into<String>) -> Self {
        self.detail = (zh.into(), en.into());
        self
    }

    /// Adds the fields or rules.
    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// Adds the record as it is now.
    #[must_use]
    pub fn current(mut self, current: Value) -> Self {
        self.current = Some(current);
        self
    }

    /// Adds what would be allowed.
    #[must_use]
    pub fn allowed_actions(mut self, actions: Value) -> Self {
        self.allowed_actions = Some(actions);
        self
    }

    /// Adds what would be refused as well, and why.
    #[must_use]
    pub fn refused_actions(mut self, actions: Value) -> Self {
        self.refused_actions = Some(actions);
        self
    }

    /// Adds a message for the log.
    #[must_use]
    pub fn cause(mut self, cause: impl std::fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Whether it is no answer to what was asked, but a failure on this side: clashing rows, a lost connection, a fault.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        self.retry || self.fatal || self.code.status() >= 500
    }

    /// Absent or out of sight.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Code::NotFound)
    }

    /// A fault of our own.
    #[must_use]
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::new(Code::Internal).cause(cause)
    }

    /// One field that is not valid.
    #[must_use]
    pub fn invalid(error: FieldError) -> Self {
        Self::new(Code::ValidationFailed).errors(vec![error])
    }
}

/// What the engine says becomes a problem here and nowhere else. Constraints become their own codes; a full disk
/// is 507; a lost connection 503; the rest is our fault.
impl From<diesel::result::Error> for Problem {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind as Kind, Error};
        match &error {
            Error::NotFound => Self::not_found(),
            Error::DatabaseError(Kind::UniqueViolation, info) => {
                super::db::constraint::problem(info.constraint_name(), info.message()).cause(info.message())
            }
            Error::DatabaseError(Kind::SerializationFailure, info) => {
                Self { retry: true, ..Self::new(Code::Unavailable).cause(info.message()) }
            }
            Error::DatabaseError(Kind::ClosedConnection | Kind::UnableToSendCommand | Kind::ReadOnlyTransaction, i) => {
                Self { fatal: true, ..Self::new(Code::Unavailable).cause(i.message()) }
            }
            Error::DatabaseError(_, info) => engine_fault(info.message()),
            _ => Self::internal(&error),
        }
    }
}

/// Neither engine gives a kind for these; their messages are fixed English (SQLite) or begin with a fixed phrase.
fn engine_fault(message: &str) -> Problem {
    let lower = message.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(&["deadlock detected", "检测到死锁"]) {
        return Problem { retry: true, ..Problem::new(Code::Unavailable).cause(message) };
    }
    if has(&["disk is full", "no space left"]) {
        return Problem { fatal: true, ..Problem::new(Code::NoSpace).cause(message) };
    }
    let lost = [
        "disk i/o error",
        "database is locked",
        "malformed",
        "readonly database",
        "unable to open",
        "out of memory",
        "not an error",
        "server closed the connection",
        "terminating connection",
        "connection not open",
        "no connection to the server",
        "could not receive data",
        "ssl connection has been closed",
        "shutting down",
        "read-only transaction",
        "statement timeout",
    ];
    if has(&lost) {
        return Problem { fatal: true, ..Problem::new(Code::Unavailable).cause(message) };
    }
    Problem::internal(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_fit_their_status() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| (400..=507).contains(&code.status())));
    }

    #[test]
    fn a_full_disk_ends_the_batch_with_507() {
        let problem = engine_fault("database or disk is full");
        assert!(problem.fatal);
        assert_eq!(problem.code.status(), 507);
    }
}
