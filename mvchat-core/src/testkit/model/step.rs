//! What can happen in a history.

use super::world::{CONVS, USERS};
use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::{any, prop_oneof};
use proptest::strategy::{Just, Strategy};

/// One call of a store, with numbers for everybody and everything.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is named after the call that it makes, its fields after the arguments")]
pub enum Step {
    SignUp { user: u8, name: u8, session: Option<u8> },
    Update { user: u8, what: u8, value: u8 },
    Secret { user: u8, right: bool, end: bool, keep: u8 },
    Search { text: u8, except: u8, limit: u8 },
    LogIn { user: u8, session: u8, max: u8 },
    Touch { session: u8 },
    Refresh { session: u8, right: bool, token: u8 },
    Forget { user: u8 },
    LogOut { user: u8, which: u8, session: u8 },
    Create { conv: u8, kind: u8, owner: u8, other: u8, cid: Option<u8> },
    Commit(Vec<Edit>),
    Mark { user: u8, conv: u8, read: Option<u8>, recv: Option<u8>, clear: Option<u8> },
    Configure { user: u8, conv: u8, which: u8, on: bool, private: Option<Option<u8>> },
    Hide { user: u8, conv: u8, seq: u8 },
    Look { user: u8, conv: u8, seq: u8, limit: u8, since: u8, own: Option<u8>, span: u8 },
    List { user: u8, limit: u8, cursor: u8 },
    Expire { limit: u8, ahead: u8 },
}

/// One change of a commit.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is named after the change that it makes, its fields after the parts")]
pub enum Edit {
    Send {
        conv: u8,
        from: u8,
        system: bool,
        cid: Option<(u8, u8)>,
        reply_to: Option<u8>,
        late: u8,
        fresh: bool,
    },
    Revise {
        conv: u8,
        actor: u8,
        seq: u8,
        state: u8,
        right: bool,
        fresh: bool,
    },
    Amend {
        conv: u8,
        actor: u8,
        ttl: Option<u8>,
        owner: Option<u8>,
        members: Vec<(u8, u8, u8)>,
        fresh: bool,
    },
}

/// Mostly true.
fn mostly() -> impl Strategy<Value = bool> {
    prop_oneof![9 => Just(true), 1 => Just(false)]
}

/// The beginning of every history: accounts, a direct conversation, a group and a note-to-self.
pub(super) fn prologue() -> Vec<Step> {
    let create = |conv, kind, owner, other| Step::Create { conv, kind, owner, other, cid: None };
    let add = |user, role| Edit::Amend {
        conv: 1,
        actor: 0,
        ttl: None,
        owner: None,
        members: vec![(user, role, 0)],
        fresh: true,
    };
    let mut steps: Vec<_> =
        (0..USERS).map(|user| Step::SignUp { user, name: user, session: Some(user) }).collect();
    steps.extend([create(0, 1, 0, 1), create(1, 2, 0, 1), create(2, 0, 0, 0)]);
    steps.extend([Step::Commit(vec![add(2, 0)]), Step::Commit(vec![add(3, 1)])]);
    steps
}

/// Mostly one of the first two, so that much happens to them.
fn conv() -> impl Strategy<Value = u8> + Clone {
    prop_oneof![5 => Just(1), 3 => Just(0), 2 => 0..CONVS]
}

/// Mostly the first few.
fn seq() -> impl Strategy<Value = u8> + Clone {
    prop_oneof![3 => 0..5_u8, 1 => 0..16_u8]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let (user, conv, seq) = (0..USERS, conv(), seq());
    let mark = weighted(0.5, seq.clone());
    prop_oneof![
        2 => (user.clone(), 0..6_u8, of(0..6_u8)).prop_map(|(user, name, session)| Step::SignUp { user, name, session }),
        1 => (user.clone(), 0..6_u8, any::<u8>()).prop_map(|(user, what, value)| Step::Update { user, what, value }),
        1 => (user.clone(), mostly(), any::<bool>(), 0..12_u8)
            .prop_map(|(user, right, end, keep)| Step::Secret { user, right, end, keep }),
        1 => (0..6_u8, user.clone(), 0..4_u8).prop_map(|(text, except, limit)| Step::Search { text, except, limit }),
        1 => (user.clone(), 0..12_u8, 0..4_u8).prop_map(|(user, session, max)| Step::LogIn { user, session, max }),
        1 => (0..12_u8).prop_map(|session| Step::Touch { session }),
        1 => (0..12_u8, any::<bool>(), 0..3_u8)
            .prop_map(|(session, right, token)| Step::Refresh { session, right, token }),
        1 => user.clone().prop_map(|user| Step::Forget { user }),
        1 => (user.clone(), 0..3_u8, 0..12_u8)
            .prop_map(|(user, which, session)| Step::LogOut { user, which, session }),
        6 => (conv.clone(), 0..4_u8, user.clone(), user.clone(), of(0..2_u8))
            .prop_map(|(conv, kind, owner, other, cid)| Step::Create { conv, kind, owner, other, cid }),
        20 => vec(edit(), 1..5).prop_map(Step::Commit),
        4 => (user.clone(), conv.clone(), mark.clone(), mark.clone(), mark)
            .prop_map(|(user, conv, read, recv, clear)| Step::Mark { user, conv, read, recv, clear }),
        3 => (user.clone(), conv.clone(), 0..16_u8, any::<bool>(), of(of(0..3_u8)))
            .prop_map(|(user, conv, which, on, private)| Step::Configure { user, conv, which, on, private }),
        3 => (user.clone(), conv.clone(), seq.clone()).prop_map(|(user, conv, seq)| Step::Hide { user, conv, seq }),
        10 => (user.clone(), conv, seq.clone(), 1..6_u8, seq.clone(), of(0..3_u8), 0..60_u8).prop_map(
            |(user, conv, seq, limit, since, own, span)| Step::Look { user, conv, seq, limit, since, own, span }
        ),
        5 => (user, 1..4_u8, any::<u8>()).prop_map(|(user, limit, cursor)| Step::List { user, limit, cursor }),
        4 => (1..5_u8, 0..40_u8).prop_map(|(limit, ahead)| Step::Expire { limit, ahead }),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    let (user, conv, seq) = (0..USERS, conv(), seq());
    let system = mostly().prop_map(|sent| !sent);
    let print = mostly().prop_map(|same| u8::from(!same));
    let send = (
        conv.clone(),
        user.clone(),
        system,
        weighted(0.6, (0..2_u8, print)),
        of(seq.clone()),
        0..9_u8,
        mostly(),
    )
        .prop_map(|(conv, from, system, cid, reply_to, late, fresh)| Edit::Send {
            conv,
            from,
            system,
            cid,
            reply_to,
            late,
            fresh,
        });
    let revise = (conv.clone(), user.clone(), seq, 0..4_u8, mostly(), mostly()).prop_map(
        |(conv, actor, seq, state, right, fresh)| Edit::Revise { conv, actor, seq, state, right, fresh },
    );
    let member = (user.clone(), 0..3_u8, 0..4_u8);
    let amend = (conv, user.clone(), of(any::<u8>()), weighted(0.2, user), vec(member, 0..3), mostly())
        .prop_map(|(conv, actor, ttl, owner, members, fresh)| Edit::Amend {
            conv,
            actor,
            ttl,
            owner,
            members,
            fresh,
        });
    prop_oneof![8 => send, 5 => revise, 2 => amend]
}
