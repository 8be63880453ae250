package com.gptdesk.chat.service.realtime.changes;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A regular expression as PostgreSQL reads it ({@code ~} and {@code ~*}: advanced, a dot matches
 * line feeds too), without back references and lookaround, which are refused.
 *
 * <p>The client chooses the pattern, so this is a simulation of all states at once: its time grows
 * with the length of the text times that of the pattern, never faster. Immutable and thread-safe.
 */
final class TextPattern {
  /** Each may be looked at for each character of a text. */
  private static final int MOST_STEPS = 1000;

  private static final int MOST_REPETITIONS = 255; // PostgreSQL's DUPMAX
  private static final int DEEPEST = 50;

  /** One step; the kinds that go on without a character name where they go on. */
  private record Step(
      Kind kind, @Nullable IntPredicate accepts, @Nullable Place place, int next, int other) {}

  private enum Kind {
    CHARACTER,
    FORK,
    PLACE,
    END
  }

  /** A condition on what stands before and after, -1 for nothing. */
  @FunctionalInterface
  private interface Place {
    boolean holds(int before, int after);
  }

  private final List<Step> steps;
  private final int start;
  private final int end;

  private TextPattern(List<Step> steps, int start, int end) {
    this.steps = steps;
    this.start = start;
    this.end = end;
  }

  /** Reads a pattern. */
  static TextPattern of(String pattern, boolean anyCase) throws InvalidFilter {
    return new Compiler(pattern, anyCase).compiled();
  }

  /** Whether some part of the text matches. */
  boolean isIn(String text) {
    boolean[] now = new boolean[steps.size()];
    int[] list = new int[steps.size()];
    int[] todo = new int[steps.size() + 1];
    int before = -1;
    for (int at = 0; ; ) {
      int after = at < text.length() ? text.codePointAt(at) : -1;
      // What is reached without a character; a match may begin anywhere.
      int count = 0;
      for (int i = 0; i < now.length; i++) {
        if (now[i]) {
          list[count++] = i;
        }
      }
      if (!now[start]) {
        now[start] = true;
        list[count++] = start;
      }
      for (int i = 0; i < count; i++) {
        todo[0] = list[i];
        int open = 1;
        while (open > 0) {
          Step step = steps.get(todo[--open]);
          boolean goesOn =
              step.kind() == Kind.FORK
                  || (step.place() != null && step.place().holds(before, after));
          for (int next : new int[] {step.next(), step.other()}) {
            if (goesOn && next >= 0 && !now[next]) {
              now[next] = true;
              list[count++] = next;
            }
          }
        }
      }
      if (now[end]) {
        return true;
      }
      if (after < 0) {
        return false;
      }
      boolean[] reached = new boolean[steps.size()];
      for (int i = 0; i < count; i++) {
        Step step = steps.get(list[i]);
        if (step.accepts() != null && step.accepts().test(after)) {
          reached[step.next()] = true;
        }
      }
      now = reached;
      before = after;
      at += Character.charCount(after);
    }
  }

  /** Both cases of a letter, and what has one case in common with it. */
  private static int folded(int c) {
    return Character.toLowerCase(Character.toUpperCase(c));
  }

  private static boolean isWord(int c) {
    return c == '_' || Character.isLetterOrDigit(c);
  }

  private static boolean isSpace(int c) {
    return (c >= 9 && c <= 13) || Character.isSpaceChar(c);
  }

  private static boolean isDigit(int c) {
    return c >= '0' && c <= '9';
  }

  /** A part of a program that is entered at one step and left at another, which has no next yet. */
  private record Part(int first, int last) {}

  /** Reads the pattern by descent, and makes its program. */
  private static final class Compiler {
    private final String text;
    private boolean anyCase;
    private int at;
    private int depth;
    private final List<Step> steps = new ArrayList<>();

    Compiler(String text, boolean anyCase) {
      this.text = text;
      this.anyCase = anyCase;
    }

    TextPattern compiled() throws InvalidFilter {
      Part whole = text.startsWith("***=") ? literally() : regular();
      int end = add(new Step(Kind.END, null, null, -1, -1));
      join(whole.last(), end);
      return new TextPattern(List.copyOf(steps), whole.first(), end);
    }

    private Part literally() throws InvalidFilter {
      at = "***=".length();
      Part all = nothing();
      while (at < text.length()) {
        all = then(all, character(is(take())));
      }
      return all;
    }

    private Part regular() throws InvalidFilter {
      if (text.startsWith("***")) {
        if (!text.startsWith("***:")) {
          throw invalid("a quantifier has nothing before it");
        }
        at = "***:".length();
      }
      int close = text.indexOf(')', at);
      if (text.startsWith("(?", at)
          && close > at + 2
          && text.substring(at + 2, close).chars().allMatch(Character::isLowerCase)) {
        options(text.substring(at + 2, close));
        at = close + 1;
      }
      Part all = alternatives();
      if (at < text.length()) {
        throw invalid("a bracket is closed that was not opened");
      }
      return all;
    }

    private void options(String letters) throws InvalidFilter {
      for (int i = 0; i < letters.length(); i++) {
        char letter = letters.charAt(i);
        switch (letter) {
          case 'i' -> anyCase = true;
          case 'c' -> anyCase = false;
          case 's', 't' -> {} // as it is
          default -> throw invalid("the option (?" + letter + ") is not offered");
        }
      }
    }

    private Part alternatives() throws InvalidFilter {
      if (++depth > DEEPEST) {
        throw invalid("more than " + DEEPEST + " brackets in one another");
      }
      Part all = branch();
      while (skip('|')) {
        Part other = branch();
        int fork = add(new Step(Kind.FORK, null, null, all.first(), other.first()));
        int meet = add(new Step(Kind.FORK, null, null, -1, -1));
        join(all.last(), meet);
        join(other.last(), meet);
        all = new Part(fork, meet);
      }
      depth--;
      return all;
    }

    private Part branch() throws InvalidFilter {
      Part all = nothing();
      while (at < text.length() && text.charAt(at) != '|' && text.charAt(at) != ')') {
        all = then(all, repeated());
      }
      return all;
    }

    private Part repeated() throws InvalidFilter {
      int from = at;
      Part one = atom();
      if (steps.get(one.first()).kind() == Kind.PLACE) {
        return one; // a quantifier after it has nothing before it
      }
      int to = at;
      int least;
      int most; // -1 without an end
      if (skip('*')) {
        least = 0;
        most = -1;
      } else if (skip('+')) {
        least = 1;
        most = -1;
      } else if (skip('?')) {
        least = 0;
        most = 1;
      } else if (isBound()) {
        at++;
        least = number();
        most = skip(',') ? (at < text.length() && isDigit(text.charAt(at)) ? number() : -1) : least;
        if (!skip('}') || least > MOST_REPETITIONS || most > MOST_REPETITIONS) {
          throw invalid("a repetition is {m}, {m,} or {m,n} of at most " + MOST_REPETITIONS);
        }
        if (most >= 0 && most < least) {
          throw invalid("a repetition ends before it begins");
        }
      } else {
        return one;
      }
      skip('?'); // the shortest match: whether there is one does not depend on it
      if (at < text.length() && (isBound() || "*+?".indexOf(text.charAt(at)) >= 0)) {
        throw invalid("a quantifier follows another");
      }
      return repeated(one, from, to, least, most);
    }

    /** The first copy is there; others are read again from the pattern. */
    private Part repeated(Part one, int from, int to, int least, int most) throws InvalidFilter {
      int after = at;
      Part all = nothing();
      boolean unused = true;
      int copies = most < 0 ? Math.max(1, least) : most;
      Part last = one;
      int exit = add(new Step(Kind.FORK, null, null, -1, -1));
      for (int i = 1; i <= copies; i++) {
        if (unused) {
          last = one;
          unused = false;
        } else {
          at = from;
          last = atom();
          if (at != to) {
            throw invalid("a repetition could not be read");
          }
        }
        if (i > least) {
          int fork = add(new Step(Kind.FORK, null, null, last.first(), exit));
          all = then(all, new Part(fork, last.last()));
        } else {
          all = then(all, last);
        }
      }
      if (most < 0) {
        // Again from the last copy, as often as it goes.
        int again = add(new Step(Kind.FORK, null, null, last.first(), exit));
        join(all.last(), again);
      } else {
        join(all.last(), exit);
      }
      at = after;
      return new Part(all.first(), exit);
    }

    private boolean isBound() {
      return at + 1 < text.length() && text.charAt(at) == '{' && isDigit(text.charAt(at + 1));
    }

    private int number() throws InvalidFilter {
      int value = 0;
      int digits = 0;
      while (at < text.length() && isDigit(text.charAt(at))) {
        value = value * 10 + text.charAt(at++) - '0';
        if (++digits > 3) {
          throw invalid("a repetition of more than " + MOST_REPETITIONS);
        }
      }
      return value;
    }

    private Part atom() throws InvalidFilter {
      if (isBound()) {
        throw invalid("a quantifier has nothing before it");
      }
      int c = take();
      return switch (c) {
        case '(' -> group();
        case '[' -> character(set());
        case '.' -> character(any -> true);
        case '^' -> place((before, after) -> before < 0);
        case '$' -> place((before, after) -> after < 0);
        case '*', '+', '?' -> throw invalid("a quantifier has nothing before it");
        case '\\' -> escape();
        default -> character(is(c));
      };
    }

    private Part group() throws InvalidFilter {
      if (skip('?') && !skip(':')) {
        throw invalid("(?= and (?! and (?< are not offered");
      }
      Part inner = alternatives();
      if (!skip(')')) {
        throw invalid("a bracket is not closed");
      }
      return inner;
    }

    private Part escape() throws InvalidFilter {
      if (at >= text.length()) {
        throw invalid("it ends with a backslash");
      }
      int c = take();
      IntPredicate named = named(c);
      if (named != null) {
        return character(named);
      }
      return switch (c) {
        case 'A' -> place((before, after) -> before < 0);
        case 'Z' -> place((before, after) -> after < 0);
        case 'm' -> place((before, after) -> !isWord(before) && isWord(after));
        case 'M' -> place((before, after) -> isWord(before) && !isWord(after));
        case 'y' -> place((before, after) -> isWord(before) != isWord(after));
        case 'Y' -> place((before, after) -> isWord(before) == isWord(after));
        default -> character(is(escaped(c)));
      };
    }

    private static @Nullable IntPredicate named(int c) {
      return switch (c) {
        case 'd' -> TextPattern::isDigit;
        case 's' -> TextPattern::isSpace;
        case 'w' -> TextPattern::isWord;
        case 'D' -> any -> !isDigit(any);
        case 'S' -> any -> !isSpace(any);
        case 'W' -> any -> !isWord(any);
        default -> null;
      };
    }

    private int escaped(int c) throws InvalidFilter {
      return switch (c) {
        case 'a' -> 7;
        case 'b' -> 8;
        case 'B' -> '\\';
        case 'e' -> 27;
        case 'f' -> '\f';
        case 'n' -> '\n';
        case 'r' -> '\r';
        case 't' -> '\t';
        case 'v' -> 11;
        case 'u' -> hexadecimal(4);
        case 'U' -> hexadecimal(8);
        case '0' -> 0;
        default -> {
          if (isDigit(c) || (c < 128 && Character.isLetter(c))) {
            throw invalid("\\" + Character.toString(c) + " is not offered");
          }
          yield c;
        }
      };
    }

    private int hexadecimal(int digits) throws InvalidFilter {
      if (at + digits > text.length()) {
        throw invalid("\\u takes four hexadecimal digits, \\U eight");
      }
      String number = text.substring(at, at + digits);
      at += digits;
      if (!number.chars().allMatch(d -> Character.digit(d, 16) >= 0)) {
        throw invalid("\\u takes four hexadecimal digits, \\U eight");
      }
      return (int) Math.min(Long.parseLong(number, 16), Character.MAX_CODE_POINT + 1L);
    }

    private IntPredicate set() throws InvalidFilter {
      boolean negated = skip('^');
      IntPredicate all = none -> false;
      boolean first = true;
      while (first || !text.startsWith("]", at)) {
        if (at >= text.length()) {
          throw invalid("a bracket is not closed");
        }
        all = all.or(member());
        first = false;
      }
      at++;
      IntPredicate positive = all;
      return negated ? c -> !positive.test(c) : positive;
    }

    private IntPredicate member() throws InvalidFilter {
      if (text.startsWith("[:", at)) {
        return posixClass();
      }
      if (text.startsWith("[.", at) || text.startsWith("[=", at)) {
        throw invalid("[. and [= are not offered");
      }
      int from = take();
      if (from == '\\') {
        if (at >= text.length()) {
          throw invalid("a bracket is not closed");
        }
        int c = take();
        IntPredicate named = named(c);
        if (named != null) {
          return named;
        }
        from = escaped(c);
      }
      if (!text.startsWith("-", at) || text.startsWith("-]", at)) {
        return is(from);
      }
      at++;
      if (at >= text.length()) {
        throw invalid("a bracket is not closed");
      }
      int to = take();
      if (to == '\\' && at < text.length()) {
        to = escaped(take());
      }
      if (to < from) {
        throw invalid("a range ends before it begins");
      }
      int least = from;
      int most = to;
      IntPredicate range = c -> c >= least && c <= most;
      return anyCase
          ? c ->
              range.test(c)
                  || range.test(Character.toLowerCase(c))
                  || range.test(Character.toUpperCase(c))
          : range;
    }

    private IntPredicate posixClass() throws InvalidFilter {
      int close = text.indexOf(":]", at);
      String name = close < 0 ? "" : text.substring(at + 2, close);
      at = close + 2;
      return switch (name) {
        case "alpha" -> Character::isLetter;
        case "alnum" -> Character::isLetterOrDigit;
        case "word" -> TextPattern::isWord;
        case "digit" -> TextPattern::isDigit;
        case "xdigit" -> c -> c < 128 && Character.digit(c, 16) >= 0;
        case "space" -> TextPattern::isSpace;
        case "blank" -> c -> c == ' ' || c == '\t';
        case "lower" -> anyCase ? Character::isLetter : Character::isLowerCase;
        case "upper" -> anyCase ? Character::isLetter : Character::isUpperCase;
        case "cntrl" -> Character::isISOControl;
        case "print" -> c -> !Character.isISOControl(c);
        case "graph" -> c -> !Character.isISOControl(c) && !isSpace(c);
        case "punct" ->
            c ->
                c > 32
                    && c != 127
                    && !Character.isISOControl(c)
                    && !isSpace(c)
                    && !Character.isLetterOrDigit(c);
        case "ascii" -> c -> c < 128;
        default -> throw invalid("[:" + name + ":] is no class");
      };
    }

    private IntPredicate is(int wanted) {
      int fold = folded(wanted);
      return anyCase ? c -> folded(c) == fold : c -> c == wanted;
    }

    private Part character(IntPredicate accepts) throws InvalidFilter {
      // The step that follows is where a Part is left: it has a next of its own.
      int left = add(new Step(Kind.FORK, null, null, -1, -1));
      return new Part(add(new Step(Kind.CHARACTER, accepts, null, left, -1)), left);
    }

    private Part place(Place place) throws InvalidFilter {
      int left = add(new Step(Kind.FORK, null, null, -1, -1));
      return new Part(add(new Step(Kind.PLACE, null, place, left, -1)), left);
    }

    private Part nothing() throws InvalidFilter {
      int step = add(new Step(Kind.FORK, null, null, -1, -1));
      return new Part(step, step);
    }

    private Part then(Part one, Part other) {
      join(one.last(), other.first());
      return new Part(one.first(), other.last());
    }

    /** A step that is left goes on there; it may have one way on already. */
    private void join(int from, int to) {
      Step step = steps.get(from);
      steps.set(
          from,
          step.next() < 0
              ? new Step(step.kind(), step.accepts(), step.place(), to, step.other())
              : new Step(step.kind(), step.accepts(), step.place(), step.next(), to));
    }

    private int add(Step step) throws InvalidFilter {
      if (steps.size() == MOST_STEPS) {
        throw invalid("it is too large");
      }
      steps.add(step);
      return steps.size() - 1;
    }

    private int take() {
      int c = text.codePointAt(at);
      at += Character.charCount(c);
      return c;
    }

    private boolean skip(char c) {
      boolean there = at < text.length() && text.charAt(at) == c;
      if (there) {
        at++;
      }
      return there;
    }

    private InvalidFilter invalid(String reason) {
      return new InvalidFilter("\"" + text + "\" is no pattern here: " + reason);
    }
  }
}
