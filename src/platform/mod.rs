#[macro_use] mod text_enum;
