//! Forms of settings in each dialect, compared with what the programs read.

use super::programs::{Outside, Program, Read};
use banister::internals::machine::env_file::{Dialect, EnvFile};
use std::collections::BTreeMap;
use std::fs;

pub const FORMS: &[&str] = &[
    "K=v\n",
    "K=v",
    "K=\n",
    "K=",
    "K= v\n",
    "K = v\n",
    "K =v\n",
    "  K=v\n",
    "\tK=v\n",
    "K=v  \n",
    "K=v\t\n",
    "K=a b\n",
    "K={\"a\": 1}\n",
    "K=\"a b\"\n",
    "K='a b'\n",
    "K=\"\"\n",
    "K=''\n",
    "K=\"a\"  \n",
    "K=\"a\" # c\n",
    "K='a' # c\n",
    "K=a # c\n",
    "K=a #c\n",
    "K=a\t# c\n",
    "K=a#c\n",
    "K=\"a # c\"\n",
    "K='a # c'\n",
    "K=#c\n",
    "K= # c\n",
    "K= #c\n",
    "K=a\\#c\n",
    "K=a \\# c\n",
    "export K=v\n",
    "export  K=\"a b\"\n",
    "export\tK=v\n",
    "export K = v\n",
    "K\n",
    "K",
    "K=1\nK\n",
    "K=1\nexport K\n",
    "OUT\n",
    "export OUT\n",
    "K: v\n",
    "K: \"v\"\n",
    "K:v\n",
    "K=$X\n",
    "K=${X}\n",
    "K='${X}'\n",
    "K='$X'\n",
    "K=\"$X\"\n",
    "K=\"${X}\"\n",
    "K=a$Xb\n",
    "K=${N:-d}\n",
    "K=${N-d}\n",
    "K=${X:-d}\n",
    "K=${N:-}\n",
    "K=${N:-a b}\n",
    "K=\"${N:-a b}\"\n",
    "K=${N:-${X}}\n",
    "K=${N:-$X}\n",
    "K=${N:-a}b}\n",
    "K=${N:-{a}}\n",
    "K=${N:-{ab}}c\n",
    "K=${X}-${N:-d}-$X\n",
    "K=${X:+y}z\n",
    "K=${N:+y}z\n",
    "K=${N+y}z\n",
    "E=\nK=${E:-d}\n",
    "E=\nK=${E-d}\n",
    "E=\nK=${E:+d}\n",
    "K=${X:?no}\n",
    "K=${N:?no}\n",
    "K=${N?no}\n",
    "K=${OUT}\n",
    "OUT=in\nK=${OUT}\n",
    "OUT=outside\nK=${OUT}\n",
    "K=${OUT:-d}\n",
    "K=$K\n",
    "K=a\nK=${K}b\n",
    "K=$L\nL=late\n",
    "K=${}\n",
    "K=${\n",
    "K=${X\n",
    "K=${X.y}\n",
    "K=${1}\n",
    "K=$\n",
    "K=a$\n",
    "K=$ a\n",
    "K=a$%b\n",
    "K=$1\n",
    "K=$(echo hi)\n",
    "K=`echo hi`\n",
    "K=$((1+1))\n",
    "K=a$$b\n",
    "K='a$$b'\n",
    "K=\"a$$b\"\n",
    "K=$$X\n",
    "K=$$$X\n",
    "K=pa$word\n",
    "K='pa$word'\n",
    "K=\"a\\$b\"\n",
    "K=a\\$b\n",
    "K=a\\$X\n",
    "K=a\\nb\n",
    "K=\"a\\nb\"\n",
    "K='a\\nb'\n",
    "K=\"a\\tb\\\\c\"\n",
    "K=\"a\\qb\"\n",
    "K=\"a\\0101b\"\n",
    "K=\"a\\07b\\0b\\0999\"\n",
    "K=\"a\\\"b\"\n",
    "K='a\\'b'\n",
    "K='a'\\''b'\n",
    "K='a\\\\'\n",
    "K=\"a\\\\\"\n",
    "K='a\\\\b'\n",
    "K='a\\b'\n",
    "K=a\\b\n",
    "K=a\\\\b\n",
    "K=a\\ b\n",
    "K=\"a\"b\n",
    "K=a\"b\"\n",
    "K='a'\"b\"\n",
    "K=\"a\" b\n",
    "K=\"a\"L=b\n",
    "K=\"a\" L=b\n",
    "K=1 L=2\n",
    "K=\"open\nL=2\n",
    "K='open\nL=2\n",
    "K=it's\n",
    "K=say \"x\n",
    "K=\"a\nb\"\nL=2\n",
    "K='a\nb'\nL=2\n",
    "K=a\\\nb\nL=2\n",
    "K=a\\\n",
    "K=\"a\\\nb\"\n",
    "K=a\\",
    "K=v\r\nL=2\r\n",
    "K=\"v\"\r\nL=2\r\n",
    "K=v # c\r\n",
    "K=\"a\r\nb\"\r\n",
    "K=a\rL=2\n",
    "\u{feff}K=v\nL=2\n",
    "junk\nK=v\n",
    "junk line\nK=v\n",
    "K=v\n; c\n",
    "# c\nK=v\n",
    "  # c\nK=v\n",
    "K=v # c\\\nL=2\n",
    "# c\\\nK=v\n",
    "K+=v\n",
    "K=a\nK+=b\n",
    "K?=v\n",
    "K:=v\n",
    "K::=v\n",
    "K=a;b\n",
    "K=a; L=2\n",
    "K=a;L=2\n",
    "K=a&b\n",
    "K=a|b\n",
    "K=a>b\n",
    "K=(a)\n",
    "K=~\n",
    "K=~/x\n",
    "K=~root\n",
    "K=a:~/x\n",
    "K=\"~/x\"\n",
    "export K=~/x\n",
    "K=*\n",
    "K=a*b?[c]\n",
    "K={a,b}\n",
    "export K={a,b}\n",
    "K=a=b\n",
    "K==a\n",
    "K=a,b\n",
    "K=%d\n",
    "K=!x\n",
    "K=null\n",
    "K=1\nK=2\n",
    "K=2\nK=\n",
    "k.a=1\nK=v\n",
    "a-b=1\nK=v\n",
    "2=1\nK=v\n",
    "K[0]=1\nK=v\n",
    "'K'=v\n",
    "\"K\"=v\n",
    "K=ä ö\n",
    "K=\u{a0}v\u{a0}\n",
    "K=a\u{2003}# c\n",
    "K=a\u{1f}# c\n",
    "K\u{a0}=v\n",
    "=v\nK=1\n",
    "K=a\u{b}#c\n",
    "L=a b\nK=$L\n",
    "L=a b\nexport K=$L\n",
    "L='a b'\nexport K=$L\n",
    "L='a b'\nK=$L\n",
    "L='a  b'\nK=\"$L\"\n",
    "L='*'\nK=$L\n",
    "export K=$X L=$K\n",
    "K=$X L=$K\n",
    "export K\n",
    "export\nK=v\n",
    "export=v\nK=1\n",
    "readonly K=v\n",
    "set -a\nK=v\n",
    "K=a cmd\n",
    "K='a' 'b'\n",
    "L=\"x\" # it's\nK=v\n",
    "K=\"$(echo hi)\"\n",
    "K=$PWD\n",
    "K=$UID\n",
    "UID=5\nK=v\n",
    "K=$'a\\nb'\n",
    "K=$\"a\"\n",
    "K=${#X}\n",
    "K=${X%n}\n",
    "K=${N:=v}\n",
    "K=${N:-'a b'}\n",
    "K=${N:-\"a b\"}\n",
    "K=\"${N:-'a'}\"\n",
    "K=\"a${N:-\nb}\"\n",
    "K=$COMPOSE_PROJECT_NAME\n",
    "K=${X}}\n",
    "K=$[1+1]\n",
    "K=a\\\n#b\n",
    "K=\n  v\n",
    "K=\n\nL=2\n",
    "K=   \nL=2\n",
    "K=\"\u{10ffff}\"\n",
    "$X=v\nK=1\n",
    "A.b=x\nK=${A.b}\n",
    "K=${x}\n",
    "K='a\"b'\n",
    "K=\"a'b\"\n",
    "K='a' \nL=2\n",
];

pub fn outside() -> Outside {
    [("OUT", "outside"), ("HOME", "/home/me"), ("X", "one")].map(|(a, b)| (a.to_owned(), b.to_owned())).into()
}

/// What this program's reader says: nothing for what it does not know.
pub fn by_us(
    text: &str,
    dialect: Dialect,
    outside: &Outside,
    names: &[&str],
) -> BTreeMap<String, Result<Option<String>, String>> {
    let folder = tempfile::tempdir().unwrap();
    let env = folder.path().join("env");
    fs::write(&env, text).unwrap();
    match EnvFile::read(&env, dialect, outside.clone()) {
        Ok(file) => {
            names.iter().map(|name| (name.to_string(), file.get(name).map_err(|it| it.to_string()))).collect()
        }
        Err(failure) => names.iter().map(|name| (name.to_string(), Err(failure.to_string()))).collect(),
    }
}

/// `make` and shells also tell what only the environment sets.
fn expected(read: &Read, name: &str, outside: &Outside) -> Result<Option<String>, ()> {
    let Some(read) = read else { return Err(()) };
    let _ = outside;
    Ok(read.get(name).cloned())
}

#[test]
fn each_form_is_read_as_the_programs_read_it_or_not_at_all() {
    let outside = outside();
    let texts: Vec<String> = FORMS.iter().map(|form| form.to_string()).collect();
    let names = ["K", "L"];
    let mut wrong = Vec::new();
    for program in Program::ALL.into_iter().filter(|program| program.path().is_some()) {
        let read = program.read(&texts, &names, &outside);
        let (mut same, mut unknown) = (0, Vec::new());
        for (text, read) in texts.iter().zip(&read) {
            let ours = by_us(text, program.dialect(), &outside, &names);
            for name in names {
                match (&ours[name], expected(read, name, &outside)) {
                    (Ok(ours), Ok(theirs)) if *ours == theirs => same += 1,
                    (Err(_), Err(())) => same += 1,
                    (Err(why), Ok(theirs)) if name == "K" => {
                        unknown.push(format!("{text:?} ({theirs:?}): {why}"))
                    }
                    (Err(_), Ok(_)) => {}
                    // `export K` says nothing of its value.
                    (Ok(None), Ok(Some(theirs))) if program == Program::Make && theirs.is_empty() => {
                        same += 1
                    }
                    // Bash does not let it be set, and ends; dash does.
                    (Ok(_), Err(())) if program == Program::Bash && text.contains("UID=") => {}
                    // What make refuses has lines that are no settings, which are passed over.
                    (Ok(_), Err(())) if program == Program::Make => {}
                    (Ok(ours), theirs) => {
                        wrong.push(format!("{program:?} {text:?} {name}: {theirs:?}, not {ours:?}"))
                    }
                }
            }
        }
        println!("{program:?}: {same} same, {} unknown", unknown.len());
        if std::env::var_os("SHOW").is_some() {
            unknown.iter().for_each(|it| println!("  {it}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
