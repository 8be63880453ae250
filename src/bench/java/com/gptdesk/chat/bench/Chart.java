package com.gptdesk.chat.bench;

import java.util.List;
import java.util.Locale;

/**
 * Bars of the medians with a whisker from the least to the most, each group on a scale of its own.
 */
record Chart(String title, List<Result> results) {
  private static final int WIDTH = 900;
  private static final int LEFT = 380;
  private static final int BAR = 20;

  String svg() {
    var shapes = new StringBuilder();
    int y = 50;
    String group = "";
    double scale = 1;
    for (Result result : results) {
      if (!result.group().equals(group)) {
        group = result.group();
        String heading = group;
        double most =
            results.stream()
                .filter(each -> each.group().equals(heading))
                .mapToDouble(Result::most)
                .max()
                .orElse(1);
        scale = (WIDTH - LEFT - 110) / Math.max(most, 1e-9);
        y += 14;
        shapes.append(text(10, y + 14, "bold", "start", group + " (" + result.unit() + ")"));
        y += BAR + 4;
      }
      double end = LEFT + result.median() * scale;
      double least = LEFT + result.least() * scale;
      double most = LEFT + result.most() * scale;
      shapes.append(text(LEFT - 8, y + 14, "normal", "end", result.name()));
      shapes.append(
          String.format(
              Locale.ROOT,
              "<rect x='%d' y='%d' width='%.1f' height='%d' fill='#4c78a8'/>"
                  + "<line x1='%.1f' y1='%d' x2='%.1f' y2='%d' stroke='#222'/>%n",
              LEFT,
              y + 2,
              end - LEFT,
              BAR - 4,
              least,
              y + BAR / 2,
              most,
              y + BAR / 2));
      shapes.append(text((int) most + 6, y + 14, "normal", "start", Run.figure(result.median())));
      y += BAR;
    }
    return """
        <svg xmlns='http://www.w3.org/2000/svg' width='%1$d' height='%2$d' font-family='sans-serif' font-size='12'>
        <rect width='%1$d' height='%2$d' fill='#fff'/>
        %3$s%4$s</svg>
        """
        .formatted(WIDTH, y + 20, text(10, 24, "bold", "start", title), shapes);
  }

  private static String text(int x, int y, String weight, String anchor, String words) {
    String escaped = words.replace("&", "&amp;").replace("<", "&lt;");
    return "<text x='%d' y='%d' font-weight='%s' text-anchor='%s'>%s</text>%n"
        .formatted(x, y, weight, anchor, escaped);
  }
}
