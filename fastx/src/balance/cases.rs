//! `fastx balance case list|add|remove`.

use std::process::ExitCode;

use balance::plan::{Case, Expected};

use super::{Failed, kept, source};
use crate::cli::{AddCaseOptions, CasesOptions, RemoveCaseOptions};
use crate::settings::print_json;

type Done = Result<ExitCode, Failed>;

pub(super) fn list(options: &CasesOptions) -> Done {
    let plan = kept::known(&options.plan)?.record.plan();
    if options.plan.json {
        print_json(&plan.cases);
    } else {
        for Case { name, request, servers, expect, .. } in &plan.cases {
            println!("{name}: {} on {} servers, expected {expect}", request.login(), servers.len());
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn add(options: &AddCaseOptions) -> Done {
    let before = kept::known(&options.plan)?.record;
    let (servers, local) = source::servers(&options.servers, &options.person)?;
    let case = Case {
        name: options.name.clone(),
        request: source::request(options.plan.action.into(), &options.person, &local)?,
        servers,
        moment: source::moment(&options.moment),
        expect: match &options.error {
            Some(words) => Expected::Error(words.clone()),
            None => Expected::OneOf(options.expect.clone()),
        },
    };
    let mut plan = before.plan();
    plan.cases.retain(|known| known.name != case.name);
    plan.cases.push(case);
    kept::save(&options.plan, plan, before.version(), options.cases.override_cases)
}

pub(super) fn remove(options: &RemoveCaseOptions) -> Done {
    let before = kept::known(&options.plan)?.record;
    let mut plan = before.plan();
    let count = plan.cases.len();
    plan.cases.retain(|case| case.name != options.name);
    if plan.cases.len() == count {
        return Err(anyhow::anyhow!("there is no case {} of this chain", options.name).into());
    }
    // Another case may fail already: this one is in nobody's way.
    kept::save(&options.plan, plan, before.version(), true)
}
