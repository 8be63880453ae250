// The texts of the page in one language, for every part below.
import {
  createContext,
  useContext,
  useEffect,
  useLayoutEffect,
  useState,
  type ReactNode,
} from 'react';
import { browserLanguage, ENGLISH, wordsIn, type Language, type Words } from '@/texts';

interface Provided {
  words: Words;
  /** For the outermost elements of the chat; none where the whole document has them. */
  attributes: { lang?: Language; dir?: 'ltr' | 'rtl' };
}

const Context = createContext<Provided | null>(null);

interface TextsProviderProps {
  /** Without one: the language around this, else the browser's. */
  language?: Language | undefined;
  /** The whole document is the chat's: it gets language, direction and title. */
  wholeDocument?: boolean;
  children: ReactNode;
}

export function TextsProvider({ language, wholeDocument = false, children }: TextsProviderProps) {
  const around = useContext(Context);
  return around && !language ? (
    children
  ) : (
    <Loaded language={language ?? browserLanguage()} whole={wholeDocument}>
      {children}
    </Loaded>
  );
}

function Loaded({
  language,
  whole,
  children,
}: {
  language: Language;
  whole: boolean;
  children: ReactNode;
}) {
  const [words, setWords] = useState(language === 'en' ? ENGLISH : null);
  useEffect(() => {
    let current = true;
    void wordsIn(language)
      .catch(() => ENGLISH)
      .then((loaded) => current && setWords(loaded));
    return () => {
      current = false;
    };
  }, [language]);

  useLayoutEffect(() => {
    if (whole && words) {
      document.documentElement.lang = words.language;
      document.documentElement.dir = words.direction;
      document.title = words.t.title;
    }
  }, [whole, words]);

  if (!words) {
    return null;
  }
  const attributes = whole ? {} : { lang: words.language, dir: words.direction };
  return <Context value={{ words, attributes }}>{children}</Context>;
}

/** The texts as `t`, and what writes dates, numbers and refusals by the rules of their language. */
export function useTexts(): Words {
  return useContext(Context)?.words ?? ENGLISH;
}

/** For an element that the chat puts into somebody else's document. */
export function useLanguageAttributes(): Provided['attributes'] {
  return useContext(Context)?.attributes ?? {};
}
