// The search page: ranks the places of search-index.js, which docs/_ext/search.py describes.
const WEIGHTS = [12, 4, 1]; // of a word in the title, in the statement, elsewhere
const pairs = (word) => Array.from(word.slice(1), (letter, i) => word[i] + letter);

// The stems of the index that a stem of the query may mean: itself, or else those that begin
// with it (it may not be typed to its end), or else the likest one (it may be misspelt).
function meant(stem, terms) {
  if (Object.hasOwn(terms, stem)) return [stem];
  const near = Object.keys(terms).filter((term) => term[0] === stem[0]);
  const begun = near.filter((term) => term.startsWith(stem));
  if (begun.length) return begun;
  const own = new Set(pairs(stem));
  const likeness = (term) =>
    (2 * pairs(term).filter((pair) => own.has(pair)).length) / (term.length + stem.length - 2);
  const [best] = near.map((term) => [likeness(term), term]).sort(([one], [other]) => other - one);
  return best?.[0] > 0.7 ? [best[1]] : [];
}

function search(query, { places, terms }) {
  const stemmer = new Stemmer(), scores = new Map();
  const words = query.toLowerCase().match(/\p{L}[\p{L}\p{N}_]+/gu) ?? [];
  const sought = new Set(words.filter((word) => !stopwords.has(word)));
  for (const word of sought) {
    const weights = new Map(); // of the word in each place
    const stem = stemmer.stemWord(word.replace(/is(?=(e|ed|es|er|ers|ing|ation|ations)$)/, "iz"));
    for (const term of meant(stem, terms))
      terms[term].forEach((there, i) =>
        there.forEach((n) => weights.set(n, Math.max(WEIGHTS[i], weights.get(n) ?? 0))));
    for (const [n, weight] of weights) {
      const [score, hits] = scores.get(n) ?? [0, 0];
      scores.set(n, [score + weight * Math.log(1 + places.length / weights.size), hits + 1]);
    }
  }
  const ranked = [...scores].map(([n, [score, hits]]) => [n, score * (hits / sought.size) ** 2]);
  ranked.sort(([n, one], [m, other]) => other - one || n - m);
  return ranked.slice(0, 20).filter(([, score]) => score > ranked[0][1] / 8).map(([n]) => places[n]);
}

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("search-form");
  if (!form || !window.searchIndex) return;
  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const item = ([page, title, anchor, summary]) => {
    const [address, axis] = searchIndex.pages[page], entry = make("li");
    entry.append(make("a", { href: anchor ? `${address}#${anchor}` : address, textContent: title }),
      make("p", { className: "search-kind", textContent: anchor ? `${axis} · claim` : "Page" }),
      make("p", { textContent: summary }));
    return entry;
  };
  const show = () => {
    const query = form.elements.q.value.trim(), found = search(query, searchIndex);
    document.getElementById("search-results").replaceChildren(...found.map(item));
    document.getElementById("search-status").textContent = query &&
      `${found.length || "No"} ${found.length === 1 ? "result" : "results"} for “${query}”`;
  };
  form.elements.q.value = new URLSearchParams(location.search).get("q") ?? "";
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    history.replaceState(null, "", `?${new URLSearchParams({ q: form.elements.q.value })}`);
  });
  show();
});
