//! The app's endpoints: which statements, in which order, how often. Several are written as one
//! should not write them; what each shows stands at its function.

use super::app::App;
use crate::model::failure::Failure;
use std::pin::Pin;

type Answer<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + 'a>>;

/// One endpoint.
pub(super) struct Endpoint {
    /// Method and path.
    pub name: &'static str,
    /// Requests per workload.
    pub requests: usize,
    /// True when it changes rows: all such requests go to one session, so their order is fixed.
    pub writes: bool,
    /// Serves one request.
    pub serve: for<'a> fn(&'a mut App) -> Answer<'a>,
}

macro_rules! endpoints {
    ($($name:literal $requests:literal $kind:ident $serve:ident,)*) => {
        &[$(Endpoint { name: $name, requests: $requests, writes: endpoints!(@$kind), serve: |app| Box::pin($serve(app)) },)*]
    };
    (@reads) => { false };
    (@writes) => { true };
}

/// All of them.
pub(super) static ENDPOINTS: &[Endpoint] = endpoints![
    "GET /inbox" 24 reads inbox,
    "GET /inbox?eager" 30 reads inbox_eager,
    "GET /conversations/:id/messages" 80 reads messages,
    "GET /feed" 28 reads feed,
    "GET /users/:id/posts" 150 reads posts_of_user,
    "GET /posts/:id/comments" 150 reads comments_of_post,
    "GET /archive?page=" 40 reads archive,
    "GET /@:handle" 200 reads profile,
    "GET /search?q=" 15 reads search,
    "GET /members" 12 reads members,
    "GET /admin/newcomers" 40 reads newcomers,
    "GET /documents/:id" 200 reads document,
    "GET /documents?hash=" 250 reads document_by_hash,
    "GET /users/:id/documents" 120 reads documents_of_user,
    "GET /agents/:id/updates" 150 reads unread_updates,
    "POST /agents/:id/updates/read" 60 writes mark_updates_read,
    "POST /conversations/:id/messages" 120 writes send_message,
    "POST /conversations/:id/read" 60 writes mark_conversation_read,
    "POST /posts/:id/likes" 150 writes like_and_comment,
    "DELETE /users/:id" 12 writes close_account,
    "DELETE /conversations/:id" 15 writes delete_conversation,
];

/// What the scripts loaded.
const USERS: i64 = 30_000;
const CONVERSATIONS: i64 = 50_000;
const POSTS: i64 = 80_000;
const DOCUMENTS: i64 = 60_000;
const AGENTS: i64 = 400;
const SESSIONS: i64 = 40_000;
/// People with enough conversations and followees to fill a page.
const ACTIVE_USERS: i64 = 600;

/// The token or file hash that the scripts gave to number `n`.
fn hash(n: i64) -> String {
    format!("{:08x}", n.wrapping_mul(2_654_435_761) % 4_294_967_296).repeat(4)
}

/// Before each request: who asks (a key look-up), and a setting that is read every time anew.
pub(super) async fn begin(app: &mut App) -> Result<(), Failure> {
    let number = 1 + app.chance.below(SESSIONS);
    let setting = format!("feature.{}", 1 + app.chance.below(3));
    let users = app.ids("session", &[&hash(number)]).await?;
    app.rows("setting", &[&setting]).await?;
    for user in users {
        app.rows("user", &[&user]).await?;
    }
    Ok(())
}

/// One list, then two queries for each of its rows.
async fn inbox(app: &mut App) -> Result<(), Failure> {
    let user = app.chance.popular(ACTIVE_USERS);
    for conversation in app.ids("inbox", &[&user]).await? {
        app.rows("unread_messages", &[&conversation, &user]).await?;
        app.rows("last_message", &[&conversation]).await?;
    }
    Ok(())
}

/// The same page as one should write it: one query for all rows of the list.
async fn inbox_eager(app: &mut App) -> Result<(), Failure> {
    let user = app.chance.popular(ACTIVE_USERS);
    let conversations = app.ids("recent_conversations", &[&user]).await?;
    app.rows("last_messages_of_all", &[&conversations]).await?;
    Ok(())
}

/// Newest first, a filter and a limit.
async fn messages(app: &mut App) -> Result<(), Failure> {
    let conversation = app.chance.popular(CONVERSATIONS);
    app.rows("messages", &[&conversation]).await?;
    Ok(())
}

/// One list, then a count for each of its rows.
async fn feed(app: &mut App) -> Result<(), Failure> {
    let user = app.chance.popular(ACTIVE_USERS);
    for post in app.ids("feed", &[&user]).await? {
        app.rows("like_count", &[&post]).await?;
    }
    Ok(())
}

/// Newest first, a filter and a limit.
async fn posts_of_user(app: &mut App) -> Result<(), Failure> {
    let user = app.chance.popular(USERS);
    app.rows("posts_of_user", &[&user]).await?;
    Ok(())
}

/// Served by indexes that exist: `max` by the longer one.
async fn comments_of_post(app: &mut App) -> Result<(), Failure> {
    let post = app.chance.popular(POSTS);
    app.rows("last_comment", &[&post]).await?;
    app.rows("comments_of_post", &[&post]).await?;
    Ok(())
}

/// Pages by OFFSET, deep ones too.
async fn archive(app: &mut App) -> Result<(), Failure> {
    let offset = 25 * app.chance.below(1600);
    app.rows("archive", &[&offset]).await?;
    Ok(())
}

/// A look-up whatever the case.
async fn profile(app: &mut App) -> Result<(), Failure> {
    const NAMES: [&str; 10] = ["ada", "BEN", "Chloe", "deniz", "EMMA", "farid", "Grace", "hugo", "INES", "jonas"];
    let user = app.chance.popular(USERS);
    let handle = format!("{}{user}", NAMES[user as usize % NAMES.len()]);
    app.rows("profile", &[&handle]).await?;
    Ok(())
}

/// A search in the middle of a text, which no ordinary index serves.
async fn search(app: &mut App) -> Result<(), Failure> {
    let words = ["eri", "garc", "emir", "rown", "iz ad"];
    let word = words[app.chance.below(5) as usize];
    app.rows("search", &[&word]).await?;
    Ok(())
}

/// DISTINCT over a join, with the total counted on every page.
async fn members(app: &mut App) -> Result<(), Failure> {
    let days = 60 + app.chance.below(240) as i32;
    app.rows("members", &[&days]).await?;
    Ok(())
}

/// Served by an index that exists.
async fn newcomers(app: &mut App) -> Result<(), Failure> {
    let days = 2 + app.chance.below(20) as i32;
    app.rows("newcomers", &[&days]).await?;
    Ok(())
}

/// Verify, then load: two round trips where one would do.
async fn document(app: &mut App) -> Result<(), Failure> {
    let document = 1 + app.chance.below(DOCUMENTS);
    if !app.rows("document_exists", &[&document]).await?.is_empty() {
        app.rows("document", &[&document]).await?;
    }
    Ok(())
}

/// Is this file known already? Half of them are not.
async fn document_by_hash(app: &mut App) -> Result<(), Failure> {
    let hash = hash(1 + app.chance.below(2 * DOCUMENTS));
    app.rows("document_by_hash", &[&hash]).await?;
    Ok(())
}

/// Newest first, a filter and a limit.
async fn documents_of_user(app: &mut App) -> Result<(), Failure> {
    let user = app.chance.popular(USERS);
    app.rows("documents_of_user", &[&user]).await?;
    Ok(())
}

/// Few rows are unread: a partial index's case.
async fn unread_updates(app: &mut App) -> Result<(), Failure> {
    let agent = app.chance.popular(AGENTS);
    app.rows("unread_updates", &[&agent]).await?;
    Ok(())
}

async fn mark_updates_read(app: &mut App) -> Result<(), Failure> {
    let agent = app.chance.popular(AGENTS);
    if let Some(newest) = app.ids("unread_updates", &[&agent]).await?.first() {
        app.rows("mark_update_read", &[newest]).await?;
    }
    Ok(())
}

async fn send_message(app: &mut App) -> Result<(), Failure> {
    let (conversation, sender) = (app.chance.popular(CONVERSATIONS), app.chance.popular(USERS));
    app.new_id("send_message", &[&conversation, &sender, &"well, that went fine"]).await?;
    app.rows("touch_conversation", &[&conversation]).await?;
    Ok(())
}

async fn mark_conversation_read(app: &mut App) -> Result<(), Failure> {
    let (conversation, reader) = (app.chance.popular(CONVERSATIONS), app.chance.popular(USERS));
    app.rows("mark_messages_read", &[&conversation, &reader]).await?;
    Ok(())
}

async fn like_and_comment(app: &mut App) -> Result<(), Failure> {
    let (user, post) = (app.chance.popular(USERS), app.chance.popular(POSTS));
    app.rows("like", &[&user, &post]).await?;
    app.rows("comment", &[&post, &user, &"so true"]).await?;
    Ok(())
}

/// Deleting a parent looks for its children in every table that refers to it. The account is new,
/// so that a second workload deletes as much as the first.
async fn close_account(app: &mut App) -> Result<(), Failure> {
    let number = app.chance.below(1_000_000);
    let user = app.new_id("sign_up", &[&format!("guest{number}@example.com"), &"Guest"]).await?;
    app.rows("add_profile", &[&user, &format!("guest{user}"), &"Guest"]).await?;
    for title in ["Hello", "Goodbye"] {
        app.new_id("add_post", &[&user, &title, &"short"]).await?;
    }
    app.rows("close_account", &[&user]).await?;
    Ok(())
}

/// The same for a conversation.
async fn delete_conversation(app: &mut App) -> Result<(), Failure> {
    let user = app.chance.popular(USERS);
    let conversation = app.new_id("open_conversation", &[&"about nothing", &user]).await?;
    app.rows("add_member", &[&conversation, &user]).await?;
    app.new_id("send_message", &[&conversation, &user, &"anyone here?"]).await?;
    app.rows("delete_conversation", &[&conversation]).await?;
    Ok(())
}
