// Imported before supabase-js, which says at each import that Node 20 grows old. The pinned version is the last one made for it.
const warn = console.warn;
console.warn = (...words) => {
  if (!String(words[0]).includes('Node.js 20 and below are deprecated')) {
    warn(...words);
  }
};
