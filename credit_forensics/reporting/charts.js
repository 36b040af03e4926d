(function () {
  "use strict";
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var printing = false;
  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }
  function themed(layout) {
    var ink = printing ? "#000000" : colour("--ink");
    var grid = printing ? "#dddddd" : colour("--grid");
    var patch = { "font.color": ink, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)" };
    Object.keys(layout).concat(["xaxis", "yaxis"]).forEach(function (key) {
      if (/^[xy]axis\d*$/.test(key)) {
        patch[key + ".gridcolor"] = grid;
        patch[key + ".zerolinecolor"] = grid;
        patch[key + ".linecolor"] = grid;
      }
    });
    return patch;
  }
  function apply(layout, patch) {
    Object.keys(patch).forEach(function (path) {
      var parts = path.split("."), at = layout;
      while (parts.length > 1) { var part = parts.shift(); at = at[part] = at[part] || {}; }
      at[parts[0]] = patch[path];
    });
  }
  var plots = Array.prototype.slice.call(document.querySelectorAll(".plot"));
  function draw(plot) {
    // What is folded has no width to draw in; it is drawn when it is unfolded.
    if (plot.closest("[hidden]")) { return; }
    plot.dataset.drawn = "yes";
    var figure = JSON.parse(document.getElementById(plot.id + "-data").textContent);
    apply(figure.layout, themed(figure.layout));
    figure.layout.autosize = true;
    Plotly.newPlot(plot, figure.data, figure.layout, { responsive: true, displayModeBar: false, displaylogo: false });
  }
  function retheme() {
    plots.forEach(function (plot) { if (plot.layout) { Plotly.relayout(plot, themed(plot.layout)); } });
  }
  plots.forEach(draw);
  window.addEventListener("resize", function () {
    plots.forEach(function (plot) { if (!plot.dataset.drawn) { draw(plot); } });
  });
  dark.addEventListener("change", retheme);
  window.addEventListener("beforeprint", function () {
    printing = true; retheme();
    plots.forEach(function (plot) { Plotly.Plots.resize(plot); });
  });
  window.addEventListener("afterprint", function () { printing = false; retheme(); });
})();
