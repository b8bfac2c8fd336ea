// Looks records up in the shards of pith-index/, which are plain files: see docs/PUBLISHING.md.
"use strict";

(() => {
  const form = document.getElementById("search");
  const field = document.getElementById("query");
  const said = document.getElementById("said");
  const found = document.getElementById("found");
  const MOST = 50;
  let latest = 0;

  // Only letters of ASCII: other alphabets have rules that differ between programs.
  const lower = (text) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const upper = (text) => text.replace(/[a-z]/g, (letter) => letter.toUpperCase());

  // What the same record is filed under in each index.
  const keys = {
    number: (entry) => entry.number,
    arxiv: (entry) => lower(entry.arxiv).replace(/[^a-z0-9]/g, ""),
    title: (entry) => titleKey(entry.title),
  };

  function titleKey(title) {
    return lower(title).replace(/[^a-z0-9]+/g, " ").trim().slice(0, 64);
  }

  // What a text could be the name of: an index and the beginning of a key in it.
  function names(text) {
    const wanted = [];
    const number = upper(text.replace(/^pith:(\d{4}:)?/i, ""));
    if (/^[A-Z2-7]{4,26}$/.test(number)) wanted.push(["number", number]);
    const arxiv = lower(text).replace(/^(https?:\/\/)?((dx\.)?doi\.org\/|doi:)?(10\.48550\/)?(arxiv[.:])?(https?:\/\/)?(arxiv\.org\/abs\/)?/, "");
    if (/^([a-z-]+(\.[a-z]{2})?\/)?\d[\d.]*(v\d+)?$/.test(arxiv)) wanted.push(["arxiv", arxiv.replace(/[^a-z0-9]/g, "")]);
    const title = titleKey(text);
    if (title) wanted.push(["title", title]);
    return wanted;
  }

  async function shard(index, prefix) {
    const name = prefix === "" ? "_" : prefix.replaceAll(" ", "-");
    const answer = await fetch(`pith-index/${index}/${name}.json`, { redirect: "error" });
    if (!answer.ok) throw new Error(`pith-index/${index}/${name}.json can't be had (${answer.status})`);
    return answer.json();
  }

  // Walks from the root of an index towards a key.
  async function look(index, key) {
    for (let prefix = ""; ; ) {
      const { children, entries } = await shard(index, prefix);
      if (children === "") return { entries: entries.filter((entry) => keys[index](entry).startsWith(key)), more: false };
      if (prefix.length === key.length) return { entries, more: true };
      const next = key[prefix.length];
      if (!children.includes(next)) return { entries: [], more: false };
      prefix += next;
    }
  }

  function show(entry) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `pith/${entry.number}/`;
    link.textContent = entry.title || entry.arxiv;
    const where = document.createElement("span");
    where.className = "small";
    where.textContent = ` arXiv:${entry.arxiv}, ${entry.number}`;
    item.append(link, where);
    found.append(item);
  }

  async function search() {
    const turn = ++latest;
    const wanted = names(field.value.trim());
    const records = new Map();
    let more = false;
    try {
      for (const [index, key] of wanted) {
        const answer = await look(index, key);
        more ||= answer.more;
        for (const entry of answer.entries) {
          if (/^[A-Z2-7]{26}$/.test(entry.number)) records.set(entry.number, entry);
        }
      }
    } catch (error) {
      if (turn === latest) said.textContent = `The index can't be read: ${error.message}`;
      return;
    }
    if (turn !== latest) return;
    found.replaceChildren();
    const entries = [...records.values()];
    entries.slice(0, MOST).forEach(show);
    const count = entries.length === 1 ? "1 record" : `${entries.length} records`;
    said.textContent = wanted.length === 0 ? "Type a number, an arXiv id or the beginning of a title."
      : more || entries.length > MOST ? `There are more than ${Math.min(entries.length, MOST)}: type more of it.`
      : entries.length === 0 ? "Nothing here begins like that."
      : `${count} found.`;
  }

  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
})();
