use aimax::EventKind::{Error, Interrupted, Text, TurnEnd};
use aimax::{Request, Start};

fn conversation() -> aimax::Result<()> {
    let backend = aimax::get("tmux-practice")?;
    for prompt in ["Make a hello.py.", "Also add a README."] {
        let request = Request::new("demo", prompt).in_folder(std::env::temp_dir());
        let sent = backend.create(&request)?.sent;
        for record in backend.thought_stream("demo", Start::Offset(sent.offset))? {
            let events = record?.events();
            events.iter().filter(|e| e.kind == Text).for_each(|e| println!("{}", e.text));
            if events.iter().any(|e| [TurnEnd, Interrupted, Error].contains(&e.kind)) {
                break;
            }
        }
    }
    backend.terminate("demo").map(drop)
}

fn main() {
    if let Err(error) = conversation() {
        eprintln!("{error}");
        std::process::exit(1);
    }
}
