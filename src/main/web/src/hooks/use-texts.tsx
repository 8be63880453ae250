// The texts of the page in one language, for every part below.
import {
  createContext,
  useContext,
  useEffect,
  useLayoutEffect,
  useMemo,
  useState,
  type ReactNode,
} from 'react';
import {
  browserLanguage,
  ENGLISH,
  Words,
  wordsIn,
  type Catalogue,
  type Language,
  type SomeTexts,
} from '@/texts';

interface Provided {
  words: Words;
  /** For the outermost elements of the chat; none where the whole document has them. */
  attributes: { lang?: string; dir?: 'ltr' | 'rtl' };
}

const Context = createContext<Provided | null>(null);

interface TextsProviderProps {
  /** Without one: the language around this, else the browser's. */
  language?: Language | Catalogue | undefined;
  /** In place of single texts of that language. Always the same object, else all is shown anew. */
  texts?: SomeTexts | undefined;
  /** The whole document is the chat's: it gets language, direction and title. */
  wholeDocument?: boolean;
  children: ReactNode;
}

export function TextsProvider({
  language,
  texts,
  wholeDocument = false,
  children,
}: TextsProviderProps) {
  const around = useContext(Context);
  return around && !language && !texts ? (
    children
  ) : (
    <Loaded
      language={language ?? around?.words ?? browserLanguage()}
      texts={texts}
      whole={wholeDocument}
    >
      {children}
    </Loaded>
  );
}

function Loaded({
  language,
  texts,
  whole,
  children,
}: {
  language: Language | Catalogue | Words;
  texts: SomeTexts | undefined;
  whole: boolean;
  children: ReactNode;
}) {
  const [loaded, setLoaded] = useState(language === 'en' ? ENGLISH : null);
  useEffect(() => {
    let current = true;
    if (typeof language === 'string') {
      void wordsIn(language)
        .catch(() => ENGLISH)
        .then((words) => current && setLoaded(words));
    }
    return () => {
      current = false;
    };
  }, [language]);
  const words = useMemo(() => {
    const catalogue = typeof language === 'string' ? loaded : given(language);
    return catalogue && texts ? catalogue.with(texts) : catalogue;
  }, [language, loaded, texts]);

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

function given(language: Catalogue | Words): Words {
  return language instanceof Words
    ? language
    : new Words(language.language, language.texts, language.direction);
}

/** The texts as `t`, and what writes dates, numbers and refusals by the rules of their language. */
export function useTexts(): Words {
  return useContext(Context)?.words ?? ENGLISH;
}

/** For an element that the chat puts into somebody else's document. */
export function useLanguageAttributes(): Provided['attributes'] {
  return useContext(Context)?.attributes ?? {};
}
