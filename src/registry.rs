//! One list per kind of thing: the macro declares the modules and collects their `ENTRY`, so
//! that help, documentation and tests read the same list. Adding a thing is one file and one word.

/// `registry! { /// doc  pub RULES: Rule = [full_scan, n_plus_one] }`
#[macro_export]
macro_rules! registry {
    ($(#[$meta:meta])* $vis:vis $list:ident: $entry:ty = [$($module:ident),* $(,)?]) => {
        $(mod $module;)*
        $(#[$meta])*
        $vis static $list: &[&$entry] = &[$(&$module::ENTRY),*];
    };
}
