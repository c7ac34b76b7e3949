//! The words of what accompanies a hazard.

crate::text_enum! {
    /// Where a request for more time stands.
    pub enum ExtensionStatus {
        /// Not decided. No answer is not approval.
        Pending = "pending",
        /// Agreed to; the deadline moved.
        Granted = "granted",
        /// Not agreed to.
        Refused = "refused",
        /// Lapsed before anybody decided: the hazard was reported done, or its deadline was set anew.
        Withdrawn = "withdrawn",
    }
}

crate::text_enum! {
    /// The level of the authority that lists a major (挂牌层级).
    pub enum ListingAuthority {
        /// County or district.
        County = "county",
        /// City.
        City = "city",
        /// Province.
        Province = "province",
        /// The nation.
        Nation = "nation",
    }
}

crate::text_enum! {
    /// To what kind of authority a matter is referred.
    pub enum ReferralAuthority {
        /// Public security.
        Police = "police",
        /// Fire and rescue.
        Fire = "fire",
        /// The gas company or its regulator.
        Gas = "gas",
        /// Market regulation: food, special equipment.
        Market = "market",
        /// Health.
        Health = "health",
        /// Housing and construction.
        Housing = "housing",
        /// Transport.
        Transport = "transport",
        /// Emergency management.
        Emergency = "emergency",
        /// Urban management.
        UrbanManagement = "urban_management",
        /// The power supplier or its regulator.
        Power = "power",
        /// A local government.
        LocalGovernment = "local_government",
        /// A higher education authority.
        EducationSuperior = "education_superior",
        /// Any other.
        Other = "other",
    }
}
