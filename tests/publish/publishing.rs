//! What is written, what is not written again, and what a killed run leaves.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use crate::common::{NOW, run};
use crate::mirror::{Published, files};

#[test]
fn the_tree_is_what_the_protocol_and_the_documents_say() {
    let published = Published::minted(3);
    assert_eq!(published.publish(), (9, 0));
    let files = files(&published.mirror());
    let bundles = published.home.beside("all.jsonl");
    run(published
        .home
        .pith(["--now", NOW, "bundle", "--all", "-o"])
        .arg(&bundles))
    .exits(0);
    let text = fs::read_to_string(bundles).unwrap();
    assert_eq!(text.lines().count(), 9);
    for line in text.lines() {
        let bundle: serde_json::Value = serde_json::from_str(line).unwrap();
        // Each address in the bundle leads to a file of the tree.
        let base = "https://registry.invalid/";
        let at = |link: &serde_json::Value| {
            let path = link.as_str().unwrap().strip_prefix(base).unwrap();
            files
                .get(path)
                .unwrap_or_else(|| panic!("{path} is missing"))
        };
        let links = &bundle["links"];
        assert_eq!(at(&links["bundle"]), line.as_bytes());
        assert_eq!(at(&links["well_known_bundle"]), line.as_bytes());
        // The state has the bytes that it has in the bundle.
        let state = String::from_utf8(at(&links["state"]).clone()).unwrap();
        assert!(line.contains(&format!("\"state\":{state},\"bundle_signature\"")));
        let suffix = bundle["pith_number"]
            .as_str()
            .unwrap()
            .rsplit(':')
            .next()
            .unwrap();
        let record: serde_json::Value =
            serde_json::from_slice(&files[&format!("pith/{suffix}.json")]).unwrap();
        assert_eq!(record["canonical_record"], bundle["canonical_record"]);
        assert_eq!(record["receipt"], bundle["events"][0]["payload"]["receipt"]);
        assert!(files.contains_key(&format!("pith/{suffix}/index.html")));
    }
    for path in [
        "index.html",
        "pith-signing-key.json",
        "pith-mirrors.json",
        "pith-keyset/keyset.json",
        "pith-page/how.html",
        "pith-index/number/_.json",
    ] {
        assert!(files.contains_key(path), "{path}");
    }
    assert!(files.keys().all(|path| !path.ends_with(".partial")));
    // What stands there is what `pith verify` takes.
    let suffix = &published.suffixes()[0];
    let mut verify = published.home.pith(["verify"]);
    for path in [
        format!("pith/{suffix}/bundle.json"),
        format!("pith/{suffix}.json"),
        format!(".well-known/pith/{suffix}/bundle.json"),
    ] {
        verify.arg(published.file(&path));
    }
    run(&mut verify).exits(0);
}

#[test]
fn only_what_changed_is_written_again() {
    let published = Published::minted(2);
    published.publish();
    let before = files(&published.mirror());
    assert_eq!(published.publish(), (0, 8));
    assert_eq!(files(&published.mirror()), before);

    // One more paper, and a receipt issued again.
    published.mint(3..=3);
    published.reissue();
    let inode = |path: &str| fs::metadata(published.file(path)).unwrap().ino();
    let kept: Vec<_> = before
        .keys()
        .filter(|path| path.ends_with("/bundle.json"))
        .collect();
    let inodes: Vec<_> = kept.iter().map(|path| inode(path)).collect();
    assert_eq!(published.publish(), (2, 7));
    let changed = kept
        .iter()
        .zip(inodes)
        .filter(|(path, before)| inode(path) != *before);
    // The bundle and its copy of the record with the new receipt.
    assert_eq!(changed.count(), 2);
    published.verify().exits(0);

    // The same records published anew give the same bytes.
    let after = files(&published.mirror());
    fs::remove_dir_all(published.mirror()).unwrap();
    assert_eq!(published.publish(), (9, 0));
    assert_eq!(files(&published.mirror()), after);
}

#[test]
fn another_template_changes_pages_alone() {
    let published = Published::minted(1);
    published.publish();
    let pages = published.home.dir().join("templates/pages");
    fs::create_dir_all(&pages).unwrap();
    fs::write(
        pages.join("record.html"),
        "<!doctype html><p>{{ title }}</p>",
    )
    .unwrap();
    let before = files(&published.mirror());
    assert_eq!(published.publish(), (7, 0));
    for (path, content) in files(&published.mirror()) {
        let is_page = path.starts_with("pith/") && path.ends_with("index.html");
        assert_eq!(before[&path] != content, is_page, "{path}");
        if is_page {
            let text = String::from_utf8(content).unwrap();
            assert!(!text.contains("<script"), "{text}");
        }
    }
    fs::write(pages.join("record.html"), "{{ no_such_name }}").unwrap();
    let ran = run(&mut published.command()).exits(2);
    assert!(ran.stderr.contains("record.html"), "{}", ran.stderr);
}

#[test]
fn a_folder_that_is_no_mirror_is_left_alone() {
    let published = Published::minted(1);
    fs::create_dir(published.mirror()).unwrap();
    fs::write(published.file("thesis.tex"), "years of work").unwrap();
    let ran = run(&mut published.command()).exits(5);
    assert!(ran.stderr.contains("--adopt"), "{}", ran.stderr);
    assert_eq!(files(&published.mirror()).len(), 1);
    run(published.command().arg("--adopt")).exits(0);
    assert_eq!(
        fs::read(published.file("thesis.tex")).unwrap(),
        b"years of work"
    );

    // Nor is another registry's mirror.
    let other = crate::common::Home::without_key();
    let profile = other.dir().join("registry.toml");
    let text = fs::read_to_string(&profile).unwrap();
    fs::write(
        &profile,
        text.replace("\"registry.invalid\"", "\"other.invalid\""),
    )
    .unwrap();
    let ran = run(other.pith(["publish"]).arg(published.mirror())).exits(1);
    assert!(ran.stderr.contains("registry.invalid"), "{}", ran.stderr);

    // The home's own folders are not published to.
    run(published.home.pith(["publish"]).arg(published.home.dir())).exits(2);
    run(&mut published.home.pith(["publish", "s3://bucket/prefix"])).exits(2);
}

#[test]
fn a_killed_run_is_gone_on_with() {
    let published = Published::minted(400);
    let mut killed = 0;
    for wait in [3, 10, 30, 60, 100, 160, 240] {
        let mut child = published.command().spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        if !child.wait().unwrap().success() {
            killed += 1;
        }
        // Whatever is there is whole.
        if published.mirror().join("pith").exists() {
            for suffix in published.suffixes() {
                let path = published.file(&format!("pith/{suffix}/bundle.json"));
                if let Ok(bytes) = fs::read(path) {
                    assert!(bytes.ends_with(b"}}"), "{suffix} was cut off");
                }
            }
        }
    }
    assert!(killed > 0, "no run was killed");
    run(&mut published.command()).exits(0);
    published.verify().exits(0);
    let after = files(&published.mirror());
    assert!(after.keys().all(|path| !path.ends_with(".partial")));
    fs::remove_dir_all(published.mirror()).unwrap();
    published.publish();
    assert_eq!(files(&published.mirror()), after);
}

#[test]
fn lost_and_damaged_files_are_mended_by_a_recheck() {
    let published = Published::minted(2);
    published.publish();
    let before = files(&published.mirror());
    let suffixes = published.suffixes();
    fs::remove_file(published.file(&format!("pith/{}/state.json", suffixes[0]))).unwrap();
    fs::write(published.file(&format!("pith/{}.json", suffixes[1])), "{}").unwrap();
    // What was noted says nothing of it.
    assert_eq!(published.publish(), (0, 8));
    published.verify().exits(1);
    let ran = run(published.command().arg("--recheck")).exits(0);
    assert_eq!(crate::mirror::counted(ran), (2, 6));
    published.verify().exits(0);
    assert_eq!(files(&published.mirror()), before);
}

#[test]
fn compressed_copies_stand_beside_the_files() {
    let published = Published::minted(1);
    published.publish();
    run(published.command().arg("--gzip")).exits(0);
    let files = files(&published.mirror());
    let (zipped, plain): (Vec<_>, Vec<_>) =
        files.iter().partition(|(path, _)| path.ends_with(".gz"));
    assert_eq!(zipped.len(), plain.len());
    for ((zipped, bytes), (path, content)) in zipped.iter().zip(&plain) {
        assert_eq!(zipped.as_str(), format!("{path}.gz"));
        let mut text = Vec::new();
        let mut decoder = flate2::read::GzDecoder::new(bytes.as_slice());
        std::io::Read::read_to_end(&mut decoder, &mut text).unwrap();
        assert_eq!(&&text, content);
    }
    published.verify().exits(0);
}

#[test]
fn a_large_index_is_split_into_shards_that_lead_everywhere() {
    let published = Published::minted(700);
    published.publish();
    let files = files(&published.mirror());
    let shards: Vec<_> = files
        .keys()
        .filter(|path| path.starts_with("pith-index/"))
        .collect();
    assert!(shards.len() > 30, "{shards:?}");
    for index in ["number", "arxiv", "title"] {
        let mut found = std::collections::BTreeSet::new();
        let mut waiting = vec![String::new()];
        while let Some(prefix) = waiting.pop() {
            let name = if prefix.is_empty() {
                "_"
            } else {
                prefix.as_str()
            };
            let path = format!("pith-index/{index}/{}.json", name.replace(' ', "-"));
            let shard: serde_json::Value = serde_json::from_slice(&files[&path]).unwrap();
            let entries = shard["entries"].as_array().unwrap();
            assert!(entries.len() <= 256, "{path} has {}", entries.len());
            for entry in entries {
                assert!(found.insert(entry["number"].as_str().unwrap().to_owned()));
            }
            let children = shard["children"].as_str().unwrap();
            waiting.extend(children.chars().map(|next| format!("{prefix}{next}")));
        }
        assert!(found.into_iter().eq(published.suffixes()), "{index}");
    }
}
