//! Who goes where, when a plan names one pool of people for all its schools.

/// The schools for which the pool is too small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Short<S>(pub Vec<S>);

/// Teams of `size` for the schools in their order, from the pool in its order, round and round: each team begins behind
/// the last person of the team before. Who must not go to a school is passed over there and comes first at the next.
///
/// The same schools, pool and bars give the same teams.
///
/// # Errors
/// The schools for which fewer than `size` may go.
pub fn round_robin<S: Copy, P: Copy + PartialEq>(
    schools: &[S],
    pool: &[P],
    size: usize,
    barred: impl Fn(S, P) -> bool,
) -> Result<Vec<Vec<P>>, Short<S>> {
    let mut queue: Vec<P> = pool.to_vec();
    let mut teams = Vec::with_capacity(schools.len());
    let mut short = Vec::new();
    for school in schools {
        let team: Vec<P> = queue.iter().copied().filter(|person| !barred(*school, *person)).take(size).collect();
        if team.len() < size {
            short.push(*school);
            continue;
        }
        // Who goes stands at the end from now on; who was passed over stays in front.
        queue.retain(|person| !team.contains(person));
        queue.extend(&team);
        teams.push(team);
    }
    if short.is_empty() { Ok(teams) } else { Err(Short(short)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn teams_go_round_and_who_is_barred_comes_first_at_the_next_school() {
        let free = round_robin(&[1, 2, 3], &['a', 'b', 'c'], 2, |_, _| false).unwrap();
        assert_eq!(free, [vec!['a', 'b'], vec!['c', 'a'], vec!['b', 'c']]);
        let barred = round_robin(&[1, 2, 3], &['a', 'b', 'c'], 1, |school, person| school == 1 && person == 'a');
        assert_eq!(barred.unwrap(), [vec!['b'], vec!['a'], vec!['c']]);
        assert_eq!(
            round_robin(&[1, 2], &['a', 'b'], 2, |school, person| school == 2 && person == 'a'),
            Err(Short(vec![2]))
        );
    }

    proptest! {
        #[test]
        fn the_load_differs_by_one_at_most(schools in 1_usize..60, pool in 1_usize..12, size in 1_usize..4) {
            prop_assume!(size <= pool);
            let (places, people): (Vec<usize>, Vec<usize>) = ((0..schools).collect(), (0..pool).collect());
            let teams = round_robin(&places, &people, size, |_, _| false).unwrap();
            prop_assert!(teams.iter().all(|team| team.len() == size));
            let loads: Vec<usize> =
                people.iter().map(|one| teams.iter().filter(|team| team.contains(one)).count()).collect();
            prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1);
        }
    }
}
