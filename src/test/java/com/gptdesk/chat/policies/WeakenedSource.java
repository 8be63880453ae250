package com.gptdesk.chat.policies;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Takes the checks out of a function's source, one at a time: each operand of a condition that
 * speaks of people, each condition before a refusal or a return, each call of {@code
 * chat.demand_…}, {@code chat.require_…} and {@code chat.check…}, performed or assigned.
 */
final class WeakenedSource {

  private record Token(String word, int from, int to, int depth) {}

  private static final Pattern TOKEN = Pattern.compile("[a-z_][a-z_0-9.]*|[();]");
  private static final Pattern OF_PEOPLE =
      Pattern.compile(
          "\\b(me|mine|my_team|everybody|auth\\.uid|\\w*participant_\\w+|\\w*sender_id|recipient_id|"
              + "team_id|blocker_id|blocked_id)\\b|status = 'active'");

  /** Not of the claims' signature, which SignedClaimsTest takes away. */
  private static final Pattern DEMAND =
      Pattern.compile(
          "(perform|(?<=\\n {2,9})[a-z_.]+ :=) (chat|relay)\\.(demand_(?!claims)|require_(?!active_user)|check_|checked_content)\\w*\\(");

  private static final Pattern CHECKS =
      Pattern.compile("(chat|relay)\\.((demand|require|check)_\\w+|sender_card|checked_content)");
  private static final Set<String> ENDS =
      Set.of(
          "where",
          "and",
          "or",
          "then",
          "group",
          "order",
          "limit",
          "for",
          "returning",
          "union",
          "into",
          "join",
          "cross",
          "left",
          "on",
          "end",
          "else",
          "when",
          "do",
          "set",
          "loop",
          ";");

  private final String source;
  private final boolean endsEarly;
  private final String masked;
  private final List<Token> tokens = new ArrayList<>();
  private final Map<String, String> weakened = new LinkedHashMap<>();

  private WeakenedSource(String source, boolean endsEarly) {
    this.source = source;
    this.endsEarly = endsEarly;
    this.masked = mask(source).toLowerCase(Locale.ROOT);
    int depth = 0;
    Matcher matcher = TOKEN.matcher(masked);
    while (matcher.find()) {
      String word = matcher.group();
      if (word.equals(")")) {
        depth--;
      }
      tokens.add(new Token(word, matcher.start(), matcher.end(), depth));
      if (word.equals("(")) {
        depth++;
      }
    }
  }

  /**
   * For each check, what was taken out and what remains.
   *
   * @param name the function's; one of {@code chat.demand_…} or {@code check_…} lets pass by
   *     returning early
   */
  static Map<String, String> of(String name, String source) {
    WeakenedSource weak = new WeakenedSource(source, CHECKS.matcher(name).matches());
    weak.dropDemands();
    weak.forgetWhoIsActive();
    weak.loosenConditions();
    return weak.weakened;
  }

  private void dropDemands() {
    Matcher demand = DEMAND.matcher(masked);
    while (demand.find()) {
      int end = masked.indexOf(';', demand.start());
      replace(demand.start(), end, "null", "without");
    }
  }

  private void forgetWhoIsActive() {
    forget("chat.require_active_user()", "auth.uid()");
    forget("chat.sender_card()", "jsonb_build_object('id', auth.uid())");
  }

  private void forget(String call, String instead) {
    for (int at = masked.indexOf(call); at >= 0; at = masked.indexOf(call, at + 1)) {
      replace(at, at + call.length(), instead, "without");
    }
  }

  private void loosenConditions() {
    Deque<Boolean> searchedCase = new ArrayDeque<>();
    for (int i = 0; i < tokens.size(); i++) {
      Token token = tokens.get(i);
      switch (token.word()) {
        case "case" -> searchedCase.push(next(i).equals("when"));
        case "end" -> {
          if (!searchedCase.isEmpty() && !Set.of("if", "loop", "case").contains(next(i))) {
            searchedCase.pop();
          }
        }
        case "where", "on" -> {
          boolean isOfDistinct = i > 0 && tokens.get(i - 1).word().equals("distinct");
          if (!next(i).equals("conflict") && !isOfDistinct) {
            loosen(i, List.of("true"));
          }
        }
        case "if" -> {
          if (i == 0 || !tokens.get(i - 1).word().equals("end")) {
            loosenGuard(i);
          }
        }
        case "when" -> {
          if (!searchedCase.isEmpty() && searchedCase.peek()) {
            loosen(i, List.of("true", "false"));
          }
        }
        default -> {
          // no condition begins here
        }
      }
    }
  }

  /** {@code if … then raise} never refuses any more; a check's {@code if … then return} always. */
  private void loosenGuard(int at) {
    int then = at;
    while (!tokens.get(then).word().equals("then")
        || tokens.get(then).depth() != tokens.get(at).depth()) {
      then++;
    }
    String follows = next(then);
    boolean refuses =
        follows.equals("raise")
            && source
                .substring(tokens.get(then).to())
                .strip()
                .matches("(?s)raise sqlstate 'PT40[349]'.*");
    if (!refuses && !(follows.equals("return") && endsEarly)) {
      return;
    }
    String instead = refuses ? "false" : "true";
    replace(tokens.get(at).to(), tokens.get(then).from(), " " + instead + " ", instead + " for");
    for (int[] operand : operands(at)) {
      replace(operand[0], operand[1], " " + instead + " ", instead + " for");
    }
  }

  private void loosen(int at, List<String> instead) {
    for (int[] operand : operands(at)) {
      if (OF_PEOPLE.matcher(source.substring(operand[0], operand[1])).find()) {
        for (String word : instead) {
          replace(operand[0], operand[1], " " + word + " ", word + " for");
        }
      }
    }
  }

  /** The operands of the condition that begins after a token, and those in its parentheses. */
  private List<int[]> operands(int at) {
    List<int[]> operands = new ArrayList<>();
    int depth = tokens.get(at).depth();
    int from = tokens.get(at).to();
    boolean between = false;
    boolean inCase = false;
    for (int i = at + 1; i < tokens.size(); i++) {
      Token token = tokens.get(i);
      if (token.depth() < depth) {
        operands.add(new int[] {from, token.from()});
        return operands;
      }
      if (token.depth() > depth) {
        continue;
      }
      switch (token.word()) {
        case "(" -> {
          if (opensCondition(i)) {
            operands.addAll(operands(i, depth + 1));
          }
        }
        case "between" -> between = true;
        case "case" -> inCase = true;
        case "end" -> {
          if (!inCase) {
            operands.add(new int[] {from, token.from()});
            return operands;
          }
          inCase = false;
        }
        case "and", "or" -> {
          if (between) {
            between = false;
          } else if (!inCase) {
            operands.add(new int[] {from, token.from()});
            from = token.to();
          }
        }
        default -> {
          if (ENDS.contains(token.word()) && !inCase) {
            operands.add(new int[] {from, token.from()});
            return operands;
          }
        }
      }
    }
    operands.add(new int[] {from, source.length()});
    return operands;
  }

  /** A parenthesis that groups {@code and} and {@code or}, not a list, a call or a subquery. */
  private boolean opensCondition(int parenthesis) {
    String before = tokens.get(parenthesis - 1).word();
    return Set.of("and", "or", "not", "where", "on", "when", "if", "(").contains(before)
        && !next(parenthesis).equals("select");
  }

  private List<int[]> operands(int parenthesis, int depth) {
    List<int[]> operands = new ArrayList<>();
    int from = tokens.get(parenthesis).to();
    boolean between = false;
    for (int i = parenthesis + 1; i < tokens.size(); i++) {
      Token token = tokens.get(i);
      boolean closes = token.depth() < depth;
      if (token.depth() == depth && token.word().equals("between")) {
        between = true;
      } else if (between && token.depth() == depth && token.word().equals("and")) {
        between = false;
      } else if (closes || (token.depth() == depth && Set.of("and", "or").contains(token.word()))) {
        operands.add(new int[] {from, token.from()});
        from = token.to();
      }
      if (closes) {
        return operands.size() > 1 ? operands : List.of();
      }
    }
    return operands;
  }

  private String next(int i) {
    return i + 1 < tokens.size() ? tokens.get(i + 1).word() : "";
  }

  private void replace(int from, int to, String instead, String how) {
    String what = source.substring(from, to).strip().replaceAll("\\s+", " ");
    String name = how + " " + what;
    for (int n = 2; weakened.containsKey(name); n++) {
      name = how + " " + what + " (" + n + ")";
    }
    String text = source.substring(0, from) + instead + source.substring(to);
    if (!weakened.containsValue(text)) {
      weakened.put(name, text);
    }
  }

  /** Comments and literals blanked, so that words in them are no keywords. */
  private static String mask(String source) {
    StringBuilder masked = new StringBuilder(source);
    Matcher matcher = Pattern.compile("--[^\\n]*|'(?:[^']|'')*'").matcher(source);
    while (matcher.find()) {
      for (int i = matcher.start(); i < matcher.end(); i++) {
        masked.setCharAt(i, masked.charAt(i) == '\n' ? '\n' : ' ');
      }
    }
    return masked.toString();
  }
}
