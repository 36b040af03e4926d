/* Unpacks the chart library, which stands here as raw deflate (RFC 1951) in base64: a report is
   less than half as large, and works where DecompressionStream does not. Runs before the page is
   shown, so that every chart is drawn when it loads. */
function inflateText(base64, size) {
  "use strict";
  var packed = atob(base64), input = new Uint8Array(packed.length), output = new Uint8Array(size);
  for (var k = 0; k < packed.length; k++) { input[k] = packed.charCodeAt(k); }
  var at = 0, end = 0, bits = 0, count = 0;
  function take(n) {
    while (count < n) { bits |= input[at++] << count; count += 8; }
    var value = bits & ((1 << n) - 1);
    bits >>>= n; count -= n;
    return value;
  }
  function table(lengths) {
    var counts = new Uint16Array(16), offsets = new Uint16Array(16), symbols = new Uint16Array(lengths.length), i;
    for (i = 0; i < lengths.length; i++) { counts[lengths[i]]++; }
    counts[0] = 0;
    for (i = 1; i < 16; i++) { offsets[i] = offsets[i - 1] + counts[i - 1]; }
    for (i = 0; i < lengths.length; i++) { if (lengths[i]) { symbols[offsets[lengths[i]]++] = i; } }
    return { counts: counts, symbols: symbols };
  }
  function decode(t) {
    var code = 0, first = 0, index = 0;
    for (var length = 1; length < 16; length++) {
      if (!count) { bits = input[at++]; count = 8; }
      code |= bits & 1; bits >>>= 1; count--;
      var n = t.counts[length];
      if (code - n < first) { return t.symbols[index + (code - first)]; }
      index += n; first = (first + n) << 1; code <<= 1;
    }
    throw new Error("damaged chart library");
  }
  var lengthBase = [3,4,5,6,7,8,9,10,11,13,15,17,19,23,27,31,35,43,51,59,67,83,99,115,131,163,195,227,258];
  var lengthExtra = [0,0,0,0,0,0,0,0,1,1,1,1,2,2,2,2,3,3,3,3,4,4,4,4,5,5,5,5,0];
  var distanceBase = [1,2,3,4,5,7,9,13,17,25,33,49,65,97,129,193,257,385,513,769,1025,1537,2049,3073,4097,6145,8193,12289,16385,24577];
  var distanceExtra = [0,0,0,0,1,1,2,2,3,3,4,4,5,5,6,6,7,7,8,8,9,9,10,10,11,11,12,12,13,13];
  var order = [16,17,18,0,8,7,9,6,10,5,11,4,12,3,13,2,14,1,15], last, kind, i;
  do {
    last = take(1); kind = take(2);
    if (kind === 0) {
      bits = 0; count = 0;
      var size0 = input[at] | (input[at + 1] << 8);
      at += 4;
      output.set(input.subarray(at, at + size0), end);
      at += size0; end += size0;
      continue;
    }
    var lengths = new Uint8Array(320), literals = 288, distances = 30;
    if (kind === 1) {
      lengths.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280, 288).fill(5, 288, 318);
    } else {
      literals = take(5) + 257; distances = take(5) + 1;
      var codes = take(4) + 4, codeLengths = new Uint8Array(19);
      for (i = 0; i < codes; i++) { codeLengths[order[i]] = take(3); }
      var codeTable = table(codeLengths);
      for (i = 0; i < literals + distances;) {
        var symbol = decode(codeTable), repeat = 1, value = symbol;
        if (symbol === 16) { value = lengths[i - 1]; repeat = 3 + take(2); }
        if (symbol === 17) { value = 0; repeat = 3 + take(3); }
        if (symbol === 18) { value = 0; repeat = 11 + take(7); }
        while (repeat--) { lengths[i++] = value; }
      }
    }
    var literalTable = table(lengths.subarray(0, literals));
    var distanceTable = table(lengths.subarray(literals, literals + distances));
    for (;;) {
      var s = decode(literalTable);
      if (s < 256) { output[end++] = s; continue; }
      if (s === 256) { break; }
      var l = lengthBase[s - 257] + take(lengthExtra[s - 257]);
      var d = decode(distanceTable);
      var from = end - (distanceBase[d] + take(distanceExtra[d]));
      while (l--) { output[end++] = output[from++]; }
    }
  } while (!last);
  if (end !== size) { throw new Error("damaged chart library"); }
  return new TextDecoder().decode(output);
}
