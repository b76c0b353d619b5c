/* The loops of curves.h, which includes this for each precision and level of the processor. */

CURVE_INLINE void NAME(find)(const CURVE *c, const REAL *restrict t, int32_t *restrict index,
                             int n)
{
    const int32_t last = c->segments - 1;
    if (c->uniform) {
        for (int i = 0; i < n; i++) {
            const int32_t found = (int32_t)((t[i] - c->origin) * c->scale);
            index[i] = found < last ? found : last;
        }
        return;
    }
    /* How many knots inside the domain are not above t, by powers of two. */
    int32_t step = 1;
    while (step <= last / 2)
        step *= 2;
    for (int i = 0; i < n; i++)
        index[i] = 0;
    for (; step > 0 && last > 0; step /= 2)
        for (int i = 0; i < n; i++) {
            const int32_t next = index[i] + step, inside = next < last ? next : last;
            /* Not &&, behind which a load would be a branch. */
            const int32_t up = (next <= last) & (c->knots[inside] <= t[i]);
            index[i] = index[i] + (up ? step : 0);
        }
}

/* The distance from the start of the segment; in widths, if they are equal or `relative`. */
CURVE_INLINE void NAME(place)(const CURVE *c, const REAL *restrict t,
                              const int32_t *restrict index, REAL *restrict s, int n, int relative)
{
    if (c->uniform)
        for (int i = 0; i < n; i++)
            s[i] = (t[i] - c->origin) * c->scale - (REAL)index[i];
    else if (relative)
        for (int i = 0; i < n; i++)
            s[i] = (t[i] - c->knots[index[i]]) / (c->knots[index[i] + 1] - c->knots[index[i]]);
    else
        for (int i = 0; i < n; i++)
            s[i] = t[i] - c->knots[index[i]];
}

CURVE_INLINE REAL NAME(middle)(const CURVE *c, int32_t i)
{
    return (c->knots[i] + c->knots[i + 1]) * (REAL)0.5;
}

/* Polynomials through equally spaced values, in Newton's form. */
CURVE_INLINE void NAME(interpolate)(const CURVE *c, const REAL *restrict t, REAL *restrict y,
                                    int n, int slope)
{
    int32_t index[CURVE_BLOCK];
    REAL s[CURVE_BLOCK];
    const REAL *v = c->data;
    const REAL half = (REAL)0.5, sixth = (REAL)1 / 6;
    const int degree = c->degree;
    NAME(find)(c, t, index, n);
    if (degree == 0) {
        const int32_t last = c->terms - 1;
        if (!slope) {
            for (int i = 0; i < n; i++)
                y[i] = v[index[i]];
            return;
        }
        for (int i = 0; i < n; i++) {
            const int32_t a = index[i] > 0 ? index[i] - 1 : 0;
            const int32_t b = index[i] < last ? index[i] + 1 : last;
            const REAL distance = NAME(middle)(c, b) - NAME(middle)(c, a);
            y[i] = distance != 0 ? (v[b] - v[a]) / distance : 0;
        }
        return;
    }
    NAME(place)(c, t, index, s, n, 1);
    if (degree == 1 && !slope)
        for (int i = 0; i < n; i++)
            y[i] = v[index[i]] + s[i] * (v[index[i] + 1] - v[index[i]]);
    else if (degree == 1)
        for (int i = 0; i < n; i++)
            y[i] = v[index[i] + 1] - v[index[i]];
    else if (degree == 2)
        for (int i = 0; i < n; i++) {
            const REAL *w = v + 2 * index[i];
            const REAL p = s[i] * 2, d1 = w[1] - w[0], d2 = ((w[2] - w[1]) - d1) * half;
            y[i] = slope ? d1 + (p + p - 1) * d2 : w[0] + p * (d1 + (p - 1) * d2);
        }
    else
        for (int i = 0; i < n; i++) {
            const REAL *w = v + 3 * index[i];
            const REAL p = s[i] * 3, d1 = w[1] - w[0], e = w[2] - w[1], d2 = e - d1;
            const REAL h = d2 * half, d3 = (((w[3] - w[2]) - e) - d2) * sixth;
            y[i] = slope ? (d1 + (p + p - 1) * h) + ((p * p) * 3 - (p * 6 - 2)) * d3
                         : w[0] + p * (d1 + (p - 1) * (h + (p - 2) * d3));
        }
    if (slope && c->uniform)
        for (int i = 0; i < n; i++)
            y[i] = y[i] * (c->scale * (REAL)degree);
    else if (slope)
        for (int i = 0; i < n; i++) {
            const REAL rate = 1 / (c->knots[index[i] + 1] - c->knots[index[i]]);
            y[i] = y[i] * (rate * (REAL)degree);
        }
}

/* A Taylor polynomial about a node, whose derivatives follow from its value y. */
CURVE_INLINE REAL NAME(series)(REAL y, REAL x, int identity, int degree, int slope)
{
    const REAL half = (REAL)0.5, third = (REAL)1 / 3, sixth = (REAL)1 / 6;
    REAL d1, d2, d3;
    if (identity == CURVE_TANH)
        d1 = 1 - y * y, d2 = -(y * d1), d3 = d1 * (y * y - third);
    else if (identity == CURVE_SIGMOID)
        d1 = y * (1 - y), d2 = d1 * (half - y), d3 = d1 * (sixth - d1);
    else
        d1 = y, d2 = y * half, d3 = y * sixth;
    if (degree == 2)
        return slope ? d1 + x * (d2 + d2) : y + x * (d1 + x * d2);
    return slope ? d1 + x * ((d2 + d2) + x * (d3 * 3)) : y + x * (d1 + x * (d2 + x * d3));
}

CURVE_INLINE void NAME(taylor)(const CURVE *c, const REAL *restrict t, REAL *restrict out,
                               int n, int slope)
{
    int32_t index[CURVE_BLOCK];
    REAL r[CURVE_BLOCK];
    const REAL sign = c->negated ? -1 : 1, outer = slope ? sign : 1;
    if (c->uniform)
        for (int i = 0; i < n; i++) {
            const REAL distance = t[i] - c->origin;
            const int32_t found = (int32_t)(distance * c->scale + (REAL)0.5);
            index[i] = found < c->segments ? found : c->segments;
            r[i] = distance - (REAL)index[i] * c->width;
        }
    else {
        NAME(find)(c, t, index, n);
        for (int i = 0; i < n; i++)
            r[i] = t[i] - NAME(middle)(c, index[i]);
    }
#define LOOP(which, degree)                                                                       \
    for (int i = 0; i < n; i++)                                                                   \
        out[i] = outer * NAME(series)(c->data[index[i]], sign * r[i], which, degree, slope);
    if (c->identity == CURVE_TANH && c->degree == 2)
        LOOP(CURVE_TANH, 2)
    else if (c->identity == CURVE_TANH)
        LOOP(CURVE_TANH, 3)
    else if (c->identity == CURVE_SIGMOID && c->degree == 2)
        LOOP(CURVE_SIGMOID, 2)
    else if (c->identity == CURVE_SIGMOID)
        LOOP(CURVE_SIGMOID, 3)
    else if (c->degree == 2)
        LOOP(CURVE_EXPONENTIAL, 2)
    else
        LOOP(CURVE_EXPONENTIAL, 3)
#undef LOOP
}

CURVE_INLINE void NAME(pieces)(const CURVE *c, const REAL *restrict t, REAL *restrict y,
                               int n, int slope)
{
    int32_t index[CURVE_BLOCK];
    REAL r[CURVE_BLOCK];
    const int degree = c->degree, terms = degree + 1;
    NAME(find)(c, t, index, n);
    NAME(place)(c, t, index, r, n, 0);
    if (slope && degree == 0) {
        for (int i = 0; i < n; i++)
            y[i] = 0;
        return;
    }
    for (int i = 0; i < n; i++)
        y[i] = slope ? (REAL)degree * c->data[index[i] * terms + degree]
                     : c->data[index[i] * terms + degree];
    for (int k = degree - 1; k >= (slope ? 1 : 0); k--)
        for (int i = 0; i < n; i++) {
            const REAL a = c->data[index[i] * terms + k];
            y[i] = y[i] * r[i] + (slope ? (REAL)k * a : a);
        }
    if (slope && c->uniform)
        for (int i = 0; i < n; i++)
            y[i] = y[i] * c->scale;
}

CURVE_INLINE void NAME(horner)(const REAL *coefficients, int terms, const REAL *restrict z,
                               REAL *restrict y, int n, int slope)
{
    const REAL top = coefficients[terms - 1];
    for (int i = 0; i < n; i++)
        y[i] = slope ? (terms > 1 ? (REAL)(terms - 1) * top : 0) : top;
    for (int k = terms - 2; k >= (slope ? 1 : 0); k--) {
        const REAL a = slope ? (REAL)k * coefficients[k] : coefficients[k];
        for (int i = 0; i < n; i++)
            y[i] = y[i] * z[i] + a;
    }
}

CURVE_INLINE void NAME(rational)(const CURVE *c, const REAL *restrict t, REAL *restrict y,
                                 int n, int slope)
{
    REAL z[CURVE_BLOCK], p[CURVE_BLOCK], q[CURVE_BLOCK], dp[CURVE_BLOCK], dq[CURVE_BLOCK];
    const int divides = c->denominator_terms > 1;
    if (c->square)
        for (int i = 0; i < n; i++)
            z[i] = t[i] * t[i];
    else
        memcpy(z, t, (size_t)n * sizeof(REAL));
    if (c->center != 0)
        for (int i = 0; i < n; i++)
            z[i] = z[i] - c->center;
    NAME(horner)(c->data, c->terms, z, p, n, 0);
    if (slope) {
        NAME(horner)(c->data, c->terms, z, dp, n, 1);
        NAME(horner)(c->denominator, c->denominator_terms, z, dq, n, 1);
        if (c->square)
            for (int i = 0; i < n; i++) {
                const REAL dz = t[i] + t[i];
                dp[i] = dp[i] * dz;
                dq[i] = dq[i] * dz;
            }
        if (c->times_t)
            for (int i = 0; i < n; i++)
                dp[i] = dp[i] * t[i] + p[i];
    }
    if (c->times_t)
        for (int i = 0; i < n; i++)
            p[i] = p[i] * t[i];
    if (divides) {
        NAME(horner)(c->denominator, c->denominator_terms, z, q, n, 0);
        for (int i = 0; i < n; i++)
            p[i] = p[i] / q[i];
        if (slope)
            for (int i = 0; i < n; i++)
                dp[i] = (dp[i] - p[i] * dq[i]) / q[i];
    }
    const REAL *from = slope ? dp : p;
    if (c->rise != 0)
        for (int i = 0; i < n; i++)
            y[i] = from[i] + (slope ? c->rise : t[i] * c->rise);
    else if (c->offset != 0 && !slope)
        for (int i = 0; i < n; i++)
            y[i] = from[i] + c->offset;
    else
        memcpy(y, from, (size_t)n * sizeof(REAL));
}

/* What lies beyond an end of the domain: a constant, or a line. */
CURVE_INLINE void NAME(tail)(const REAL line[2], REAL end, int above, const REAL *restrict t,
                             REAL *restrict y, int n, int slope)
{
    const REAL rise = line[0], value = slope ? line[0] : line[1];
    const REAL sign = above ? 1 : -1, edge = above ? end : -end;
    if (slope || rise == 0)
        for (int i = 0; i < n; i++)
            y[i] = sign * t[i] > edge ? value : y[i];
    else
        for (int i = 0; i < n; i++) {
            const REAL beyond = t[i] * rise + value;
            y[i] = sign * t[i] > edge ? beyond : y[i];
        }
}

/* The other side of a symmetry, and NaN. */
CURVE_INLINE REAL NAME(unfold)(REAL x, REAL core, REAL total, int slope, int symmetry)
{
    const int negative = COPYSIGN(1, x) < 0;
    if (symmetry == (slope ? CURVE_EVEN : CURVE_ODD))
        core = negative ? -core : core;
    else if (symmetry == CURVE_COMPLEMENT && slope)
        core = -core;
    else if (symmetry == CURVE_COMPLEMENT)
        core = negative ? core : total - core;
    else if (symmetry == CURVE_RECTIFIED && slope)
        core = negative ? -core : core + 1;
    else if (symmetry == CURVE_RECTIFIED)
        core = core + (x > 0 ? x : 0);
    return x == x ? core : x;
}

CURVE_INLINE void NAME(run)(const CURVE *given, const REAL *x, REAL *y, size_t count, int slope)
{
    /* Nothing else can write to a copy, so that its members stay in registers. */
    const CURVE copy = *given, *const c = &copy;
    const REAL start = c->start, end = c->end, low = c->low, high = c->high, total = c->total;
    /* The results may take the place of the inputs. */
    REAL from[CURVE_BLOCK], t[CURVE_BLOCK], inside[CURVE_BLOCK], core[CURVE_BLOCK];
    for (size_t done = 0; done < count; done += CURVE_BLOCK) {
        const int n = count - done < CURVE_BLOCK ? (int)(count - done) : CURVE_BLOCK;
        REAL *to = y + done;
        memcpy(from, x + done, (size_t)n * sizeof(REAL));
        if (c->folded)
            for (int i = 0; i < n; i++)
                t[i] = FABS(from[i]);
        else
            memcpy(t, from, (size_t)n * sizeof(REAL));
        for (int i = 0; i < n; i++) {
            const REAL u = t[i] >= start ? t[i] : start; /* also for NaN */
            inside[i] = u <= end ? u : end;
        }
        if (c->method == CURVE_TABLE)
            NAME(interpolate)(c, inside, core, n, slope);
        else if (c->method == CURVE_TAYLOR)
            NAME(taylor)(c, inside, core, n, slope);
        else if (c->method == CURVE_PIECEWISE)
            NAME(pieces)(c, inside, core, n, slope);
        else
            NAME(rational)(c, inside, core, n, slope);
        if (c->clipped && !slope)
            for (int i = 0; i < n; i++) {
                const REAL v = core[i] < low ? low : core[i];
                core[i] = v > high ? high : v;
            }
        if (!c->folded)
            NAME(tail)(c->below, start, 0, t, core, n, slope);
        NAME(tail)(c->above, end, 1, t, core, n, slope);
        switch (c->symmetry) { /* so that each loop has one */
#define LOOP(which)                                                      \
    case which:                                                          \
        for (int i = 0; i < n; i++)                                      \
            core[i] = NAME(unfold)(from[i], core[i], total, slope, which); \
        break;
            LOOP(CURVE_NONE)
            LOOP(CURVE_ODD)
            LOOP(CURVE_EVEN)
            LOOP(CURVE_COMPLEMENT)
            LOOP(CURVE_RECTIFIED)
#undef LOOP
        }
        memcpy(to, core, (size_t)n * sizeof(REAL));
    }
}

static void NAME(values)(const CURVE *c, const REAL *x, REAL *y, size_t count)
{
    NAME(run)(c, x, y, count, 0);
}

static void NAME(slopes)(const CURVE *c, const REAL *x, REAL *y, size_t count)
{
    NAME(run)(c, x, y, count, 1);
}
