// What a reader can do with the claims: choose a framework, or see both; copy; filter and
// sort tables. It runs in the head, before anything is drawn, so that nothing moves later.
// Without it the site shows all of every claim.
(() => {
  "use strict";
  const root = document.documentElement;
  const VIEWS = ["tensorflow", "pytorch", "both"];
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  const address = () => new URL(location.href);
  function make(tag, properties, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  // The reader's choice. An address that names one wins, and is not remembered: it came
  // from whoever sent the link. Browsers may refuse to remember anything.
  const remembered = () => { try { return localStorage.getItem("view"); } catch { return null; } };
  const remember = view => { try { localStorage.setItem("view", view); } catch { /* refused */ } };
  const asked = address().searchParams.get("tab");
  const first = [asked, remembered(), VIEWS[0]].find(view => VIEWS.includes(view));
  // The chosen theme is there as soon as the body is: a moment later, and another would be seen.
  const theme = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  new MutationObserver((_changes, observer) => {
    if (!document.body) return;
    document.body.dataset.theme = theme() || "auto";
    observer.disconnect();
  }).observe(root, { childList: true });

  root.classList.replace("no-js", "js");
  root.dataset.view = first;

  // Tabs. The style sheet shows the panels of `data-view`, or of a group its `data-own`:
  // a tab beyond the two frameworks, which changes one claim and is not remembered.
  const own = group => group.dataset.own;
  const isShown = (group, framework) =>
    own(group) ? own(group) === framework : [framework, "both"].includes(root.dataset.view) && VIEWS.includes(framework);

  function describe() {
    for (const group of all(".sphinx-tabs")) {
      const tabs = all("[role=tab]", group);
      let shown = tabs.filter(tab => isShown(group, tab.dataset.framework));
      if (!shown.length) { // an opinion may have the code of one framework alone
        shown = tabs.slice(0, 1);
        group.dataset.own = shown[0].dataset.framework;
      }
      for (const tab of tabs) {
        tab.setAttribute("aria-selected", shown.includes(tab));
        tab.tabIndex = tab === shown[0] ? 0 : -1;
      }
      group.firstElementChild.setAttribute("aria-multiselectable", shown.length > 1);
    }
    for (const radio of all(".view-control input")) radio.checked = radio.value === root.dataset.view;
  }

  // Changes what is shown while `fixed` stays where it is in the window.
  function change(fixed, how) {
    const before = fixed?.getBoundingClientRect().top;
    how();
    describe();
    if (fixed) scrollBy({ top: fixed.getBoundingClientRect().top - before, behavior: "instant" });
  }

  function choose(view) {
    root.dataset.view = view;
    remember(view);
    const here = address();
    if (!here.searchParams.has("tab")) return;
    here.searchParams.set("tab", view);
    history.replaceState(history.state, "", here);
  }

  function chooseTab(tab) {
    const group = tab.closest(".sphinx-tabs"), { framework } = tab.dataset;
    change(tab, () => {
      if (!VIEWS.includes(framework)) group.dataset.own = framework;
      else if (own(group) && isBoth()) delete group.dataset.own;
      else {
        delete group.dataset.own;
        choose(framework);
      }
    });
  }

  const isBoth = () => root.dataset.view === "both";
  const STEPS = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };

  function keyInTabs(event) {
    const step = STEPS[event.key];
    if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
    const tabs = all("[role=tab]", event.currentTarget);
    const next = (tabs.indexOf(event.target) + step + tabs.length) % tabs.length;
    const tab = step === -Infinity ? tabs[0] : step === Infinity ? tabs.at(-1) : tabs[next];
    event.preventDefault();
    if (!isBoth()) chooseTab(tab); // with both in sight, moving on is not yet choosing
    tab.focus({ preventScroll: true });
  }

  // The part of a claim that the reader looks at: the first below the control.
  const inSight = () => {
    const top = document.querySelector(".view-control").getBoundingClientRect().bottom;
    return all(".claim > *").find(part => part.getBoundingClientRect().bottom > top);
  };

  // Copying. The code is what one would type: no prompts, no output.
  function code(panel) {
    const lines = all("pre", panel).flatMap(block => block.textContent.split("\n"));
    const typed = lines.filter(line => /^(>>>|\.\.\.) /.test(line)).map(line => line.slice(4));
    return `# ${panel.querySelector(".panel-name").textContent}\n${typed.join("\n")}\n`;
  }

  function link(claim) {
    const group = claim.querySelector(".sphinx-tabs"), here = Object.assign(address(), { hash: claim.id });
    if (group) here.searchParams.set("tab", own(group) || root.dataset.view);
    return here.href;
  }

  async function copy(button) {
    const claim = button.closest(".claim");
    const texts = { side: () => button.previousElementSibling.textContent, link: () => link(claim), code: () => all(".sphinx-tabs-panel", claim).map(code).join("\n") };
    const label = button.dataset.label ??= button.textContent;
    try {
      await navigator.clipboard.writeText(texts[button.dataset.copy]());
      button.textContent = "Copied";
    } catch {
      button.textContent = "The browser refused";
    }
    say(`${label}: ${button.textContent}`);
    setTimeout(() => { button.textContent = label; }, 2000);
  }

  // Tells screen readers.
  function say(text) {
    const place = document.querySelector("#said") ?? document.body.appendChild(make("p", { id: "said", role: "status", className: "visually-hidden" }));
    place.textContent = text;
  }

  // Parts of a long table are laid out once they are in sight, and guessed to be as high as they
  // have rows until then.
  function settle(table) {
    if (table.tBodies.length === 1) return;
    for (const part of table.tBodies) {
      const shown = [...part.rows].reduce((count, row) => count + !row.hidden, 0);
      part.hidden = !shown;
      part.style.setProperty("--rows", shown);
    }
  }

  // Tables that sort: a heading becomes a button, the third click restores the order.
  function makeSortable(table) {
    const parts = [...table.tBodies], order = parts.flatMap(part => [...part.rows]), { length } = parts[0].rows;
    const { compare } = new Intl.Collator("en", { numeric: true });
    const text = (row, column) => row.cells[column].querySelector("a")?.textContent ?? row.cells[column].textContent;
    function sorted(column, sign) {
      const keys = new Map(order.map(row => [row, text(row, column)]));
      return [...order].sort((a, b) => sign * compare(keys.get(a), keys.get(b)));
    }
    all("thead th", table).forEach((heading, column) => {
      const button = make("button", { type: "button" }, ...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const now = { ascending: "descending", descending: null }[heading.ariaSort] ?? (heading.ariaSort ? null : "ascending");
        for (const other of all("thead th", table)) other.removeAttribute("aria-sort");
        if (now) heading.setAttribute("aria-sort", now);
        const found = now ? sorted(column, now === "descending" ? -1 : 1) : order;
        parts.forEach((part, n) => part.append(...found.slice(n * length, (n + 1) * length)));
        settle(table);
      });
    });
  }

  // The ledger: what is filtered by is in the address, so that a view can be linked. What a row
  // is compared by is read once, and only rows that come or go are touched.
  function makeFilter(form) {
    const table = document.getElementById("ledger");
    const rows = [...table.tBodies].flatMap(part => [...part.rows]).map(row => {
      const { axis, status, favours, article } = row.dataset;
      return { row, text: row.textContent.toLowerCase(), shown: true,
        axis: [axis], status: [status], favours: [favours], article: article.split(" ") };
    });
    const given = address().searchParams;
    for (const field of form.elements) if (given.has(field.name)) field.value = given.get(field.name);

    function apply() {
      const { q, ...chosen } = Object.fromEntries(new FormData(form));
      const words = q.toLowerCase().split(/\s+/).filter(Boolean);
      const wanted = Object.entries(chosen).filter(([, value]) => value);
      let count = 0;
      for (const each of rows) {
        const fits = words.every(word => each.text.includes(word))
          && wanted.every(([key, value]) => each[key].includes(value));
        if (fits !== each.shown) each.row.hidden = !(each.shown = fits);
        count += fits;
      }
      settle(table);
      form.querySelector("[role=status]").textContent = `${count} of ${rows.length} claims`;
      const here = address();
      here.search = new URLSearchParams([["q", q], ...wanted].filter(([, value]) => value));
      history.replaceState(history.state, "", here);
    }

    form.addEventListener("input", apply);
    form.addEventListener("submit", event => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(apply)); // once the fields are empty
    apply();
  }

  // The search page ranks the places of search-index.js, which docs/_ext/search.py describes.
  const WEIGHTS = [12, 4, 1]; // of a word in the title, in the statement, elsewhere
  const pairs = word => Array.from(word.slice(1), (letter, i) => word[i] + letter);

  // The stems of the index that a stem of the query may mean: itself, or else those that begin
  // with it (it may not be typed to its end), or else the likest one (it may be misspelt).
  function meant(stem, terms) {
    if (Object.hasOwn(terms, stem)) return [stem];
    const near = Object.keys(terms).filter(term => term[0] === stem[0]);
    const begun = near.filter(term => term.startsWith(stem));
    if (begun.length) return begun;
    const own = new Set(pairs(stem));
    const likeness = term =>
      (2 * pairs(term).filter(pair => own.has(pair)).length) / (term.length + stem.length - 2);
    const [best] = near.map(term => [likeness(term), term]).sort(([one], [other]) => other - one);
    return best?.[0] > 0.7 ? [best[1]] : [];
  }

  function search(query, { places, terms }) {
    const stemmer = new Stemmer(), scores = new Map();
    const words = query.toLowerCase().match(/\p{L}[\p{L}\p{N}_]+/gu) ?? [];
    const sought = new Set(words.filter(word => !stopwords.has(word)));
    for (const word of sought) {
      const weights = new Map(); // of the word in each place
      const stem = stemmer.stemWord(word.replace(/is(?=(e|ed|es|er|ers|ing|ation|ations)$)/, "iz"));
      for (const term of meant(stem, terms))
        terms[term].forEach((there, i) =>
          there.forEach(n => weights.set(n, Math.max(WEIGHTS[i], weights.get(n) ?? 0))));
      for (const [n, weight] of weights) {
        const [score, hits] = scores.get(n) ?? [0, 0];
        scores.set(n, [score + weight * Math.log(1 + places.length / weights.size), hits + 1]);
      }
    }
    const ranked = [...scores].map(([n, [score, hits]]) => [n, score * (hits / sought.size) ** 2]);
    ranked.sort(([n, one], [m, other]) => other - one || n - m);
    return ranked.slice(0, 20).filter(([, score]) => score > ranked[0][1] / 8).map(([n]) => places[n]);
  }


  // What is asked for is in the address once it is sent, so that the answer can be linked.
  function ask(form, show) {
    form.elements.q.value = address().searchParams.get("q") ?? "";
    form.addEventListener("input", show);
    form.addEventListener("submit", event => {
      if (event.submitter?.hasAttribute("formaction")) return; // it leads to the API table
      event.preventDefault();
      history.replaceState(null, "", `?${new URLSearchParams({ q: form.elements.q.value })}`);
    });
    show();
  }

  function makeSearch(form) {
    const item = ([page, title, anchor, summary]) => {
      const [address, axis] = searchIndex.pages[page];
      return make("li", {}, make("a", { href: anchor ? `${address}#${anchor}` : address }, title),
        make("p", { className: "search-kind" }, anchor ? `${axis} · claim` : "Page"), make("p", {}, summary));
    };
    ask(form, () => {
      const query = form.elements.q.value.trim(), found = search(query, searchIndex);
      document.getElementById("search-results").replaceChildren(...found.map(item));
      document.getElementById("search-status").textContent = query &&
        `${found.length || "No"} ${found.length === 1 ? "result" : "results"} for “${query}”`;
    });
  }

  // The API table: its rows, in api-index.js, are found by any of their names.
  const LONG = [[/^f\./, "torch.nn.functional."], [/^tf\.keras\./, "keras."], [/^numpy\./, "np."], [/\(.*/, ""]];
  const FITS = [ // how a word may fit a row, the best first
    (word, { names }) => names.includes(word),
    (word, { name, names }) => name === word || names.some(each => each.endsWith(`.${word}`)),
    (word, { names }) => names.some(each => each.includes(`.${word}`)),
    (word, { text }) => text.includes(word),
  ];

  function makeTableSearch(form) {
    const rows = apiIndex.rows.map(([family, name, tensorflow, pytorch, says, names]) => ({
      family, name, tensorflow, pytorch, says, names: names.toLowerCase().split(" "),
      text: [name, tensorflow, pytorch, says, names].join(" ").toLowerCase() }));
    const item = ({ family, name, tensorflow, pytorch, says }) => {
      const [page, title] = apiIndex.families[family];
      return make("li", {}, make("a", { href: `${page}.html#api-${name}` }, name), make("small", {}, ` ${title}`),
        make("p", {}, says), ...[tensorflow, pytorch].map(code => make("code", {}, code || "nothing")));
    };
    ask(form, () => {
      const words = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean)
        .map(word => LONG.reduce((text, [short, long]) => text.replace(short, long), word));
      const ranked = rows.map(row => [words.map(word => FITS.findIndex(fits => fits(word, row))), row]);
      const found = ranked.filter(([ranks]) => words.length && !ranks.includes(-1));
      const badness = ([ranks, { name }]) => ranks.reduce((sum, rank) => sum + rank, name.length / 1e3);
      found.sort((one, other) => badness(one) - badness(other));
      document.getElementById("api-results").replaceChildren(...found.slice(0, 40).map(([, row]) => item(row)));
      form.querySelector("[role=status]").textContent = `${words.length ? `${found.length} of ` : ""}${rows.length} rows`;
    });
  }

  // What scrolls takes the focus, so that the keyboard scrolls it; what does not is no stop.
  const scrolling = new ResizeObserver(entries => entries.forEach(({ target }) => {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }));

  document.addEventListener("DOMContentLoaded", () => {
    const target = document.getElementById(location.hash.slice(1))?.closest(".claim");
    const extra = asked && target?.querySelector(`.sphinx-tabs-tab[data-framework="${CSS.escape(asked)}"]`);
    if (extra && !VIEWS.includes(asked)) extra.closest(".sphinx-tabs").dataset.own = asked;
    describe();
    for (const list of all("[role=tablist]")) list.addEventListener("keydown", keyInTabs);
    for (const tab of all("[role=tab]")) tab.addEventListener("click", () => chooseTab(tab));
    for (const radio of all(".view-control input")) {
      radio.addEventListener("change", () => change(inSight(), () => choose(radio.value)));
    }
    for (const button of all("[data-copy]")) button.addEventListener("click", () => copy(button));
    for (const block of all("pre, .table-wrapper")) scrolling.observe(block);
    all(".ledger, .sortable").forEach(makeSortable);
    all(".ledger-filter").forEach(makeFilter);
    if (window.apiIndex) all("#api-search").forEach(makeTableSearch);
    if (window.searchIndex) all("#search-form").forEach(makeSearch);
  });
})();
