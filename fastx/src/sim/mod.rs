//! `fastx sim`: a plan of a network, read and described.

mod describe;
mod source;

use netsim::plan::{SHIPPED, parse};

use self::source::Source;
use crate::cli::SimOptions;

/// # Errors
/// When the plan cannot be read, or is not one.
pub(crate) fn show(options: &SimOptions) -> anyhow::Result<()> {
    let Some(wanted) = &options.plan else {
        list();
        return Ok(());
    };
    let source = Source::find(wanted)?;
    if options.print {
        print!("{}", source.text()?);
    } else {
        print!("{}", describe::plan(&source.plan()?));
    }
    Ok(())
}

fn list() {
    for shipped in SHIPPED {
        let plan = parse(shipped.name.as_ref(), shipped.text).expect("a test reads every shipped plan");
        println!("{:14} {}", shipped.name, plan.title);
    }
}
