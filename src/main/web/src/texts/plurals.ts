/** Chooses among the forms of a text by a number, by the rules of the language; # stands for the number. */
export function plurals<Form extends Intl.LDMLPluralRule>(language: string) {
  const rules = new Intl.PluralRules(language);
  const { format } = new Intl.NumberFormat(language);
  return (count: number, forms: Record<Form, string>) =>
    forms[rules.select(count) as Form].replace('#', format(count));
}
