"use strict";
// Pictures out of sight come after the page stands; all must be there in time for paper, which nobody scrolls.
addEventListener("load", () => {
  setTimeout(() => {
    for (const picture of document.querySelectorAll(".records img")) picture.loading = "eager";
  });
});
// Of each list of cards those are shown that bear every word asked for.
for (const block of document.querySelectorAll(".records")) {
  const sift = block.querySelector(".sift");
  const field = sift.querySelector("input");
  const told = sift.querySelector("output");
  const cards = [...block.querySelectorAll("li")];
  const texts = cards.map((card) => card.textContent.toLowerCase().replace(/\s+/g, " "));
  const show = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    cards.forEach((card, number) => {
      card.hidden = !words.every((word) => texts[number].includes(word));
      shown += !card.hidden;
    });
    told.textContent = words.length ? `${shown} of ${cards.length} shown` : "";
  };
  field.addEventListener("input", show);
  // A link to a card that is sifted out shows all of them again.
  addEventListener("hashchange", () => {
    const card = document.getElementById(location.hash.slice(1));
    if (card?.hidden) {
      field.value = "";
      show();
      card.scrollIntoView();
    }
  });
  sift.hidden = cards.length < 2;
}
