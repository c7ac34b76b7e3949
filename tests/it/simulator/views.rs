//! G4: when all is quiet, what a phone holds is what its person would be shown.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::phone::{Phone, Store};
use super::sim::Sim;
use crate::support::district::user;

/// What a row says of the moment at which it was read, and not of the record.
const OF_THE_MOMENT: [&str; 7] =
    ["days_left", "warning", "overdue", "progress_overdue", "allowed_actions", "refused_actions", "next_progress_due"];

fn lasting(row: &Value) -> Value {
    let mut row = row.clone();
    for name in OF_THE_MOMENT {
        if let Some(object) = row.as_object_mut() {
            object.remove(name);
        }
    }
    row
}

fn ids(store: &Store, collection: &str) -> BTreeSet<String> {
    store.keys().filter(|(c, _)| c == collection).map(|(_, id)| id.clone()).collect()
}

fn listed(rows: &[Value]) -> BTreeSet<String> {
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

impl Sim {
    pub async fn views(&mut self) {
        let mut fresh: BTreeMap<&'static str, Store> = BTreeMap::new();
        for place in 0..self.phones.len() {
            let who = self.phones[place].who;
            if !self.may_sync(who) {
                continue;
            }
            if !fresh.contains_key(who) {
                let view = self.fresh(who).await;
                self.lists(who, &view).await;
                fresh.insert(who, view);
            }
            self.compare(place, &fresh[who]);
        }
        assert!(fresh.len() >= 2, "nobody is left to look");
    }

    /// What a new phone of this person would hold.
    async fn fresh(&mut self, who: &'static str) -> Store {
        let mut phone = Phone::new(who, "new");
        for _ in 0..1000 {
            let body = json!({"cursor": phone.cursor, "limit": 500});
            let answer = self.post(who, "/sync/pull", body).await.expect(200);
            phone.take(&answer.body);
            if answer.body["has_more"] == false {
                let sums = &answer.body["checksums"];
                assert!(!sums.as_object().unwrap().is_empty(), "all is quiet, and no checksums are told");
                phone.sums_agree(sums);
                return phone.store;
            }
        }
        panic!("a first load never ends");
    }

    fn compare(&self, place: usize, fresh: &Store) {
        let phone = &self.phones[place];
        let about = format!("{} of {}", phone.name, phone.who);
        let only = |one: &Store, other: &Store| -> Vec<(String, String)> {
            one.keys().filter(|key| !other.contains_key(*key)).cloned().collect()
        };
        let (extra, lost) = (only(&phone.store, fresh), only(fresh, &phone.store));
        assert!(extra.is_empty(), "G4: {about} holds what is out of sight: {extra:?}");
        assert!(lost.is_empty(), "G4: {about} was never given: {lost:?}");
        for (key, (version, row)) in &phone.store {
            assert_eq!(*version, fresh[key].0, "G4: {about} holds an old version of {key:?}");
            assert_eq!(lasting(row), lasting(&fresh[key].1), "G4: {about} holds another row of {key:?}");
        }
    }

    /// The lists that everybody else reads show the same.
    async fn lists(&mut self, who: &'static str, view: &Store) {
        for (collection, path) in [("inspections", "/inspections"), ("hazards", "/hazards"), ("orgs", "/orgs")] {
            let rows = self.all(who, path).await;
            assert_eq!(ids(view, collection), listed(&rows), "G4: {path} of {who} and the pulled {collection}");
            for row in rows {
                let key = (collection.to_owned(), row["id"].as_str().unwrap().to_owned());
                assert_eq!(lasting(&view[&key].1), lasting(&row), "G4: {key:?} of {who}");
            }
        }
        let me = json!(user(who));
        let mut answers = BTreeSet::new();
        for visit in self.all(who, "/inspections").await {
            if visit["team"].as_array().is_some_and(|team| team.contains(&me)) {
                let path = format!("/inspections/{}/answers", visit["id"].as_str().unwrap());
                for row in self.get(who, &path).await.expect(200).rows() {
                    let key = ("answers".to_owned(), row["id"].as_str().unwrap().to_owned());
                    assert_eq!(view.get(&key).map(|(_, row)| row), Some(&row), "G4: {key:?} of {who}");
                    answers.insert(key.1);
                }
            }
        }
        assert_eq!(ids(view, "answers"), answers, "G4: answers of {who}");
        let mut remarks = BTreeSet::new();
        for hazard in ids(view, "hazards") {
            remarks.extend(listed(&self.all(who, &format!("/hazards/{hazard}/comments")).await));
        }
        assert_eq!(ids(view, "comments"), remarks, "G4: remarks of {who}");
    }
}
