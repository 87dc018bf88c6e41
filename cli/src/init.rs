//! `wippy init`.

use wippy_runtime::boot::init_project;

use crate::args::InitArgs;
use crate::failure::Failure;
use crate::output::print;

pub fn init(args: &InitArgs) -> Result<(), Failure> {
    let made = init_project("".as_ref(), &args.src_dir, &args.modules_dir, &args.lock_file)
        .map_err(|problems| Failure::Problems(problems, "the project was not changed".into()))?;
    let verb = if made.updated { "Updated" } else { "Created" };
    print(&format!("{verb} {}", made.lock_file.display()));
    if made.created_src {
        print(&format!("Created {}", made.src_dir.display()));
    }
    print("Describe the application in an _index.yaml there, then type: wippy run");
    Ok(())
}
